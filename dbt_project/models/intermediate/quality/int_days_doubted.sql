with outliers as (

    select * from {{ ref('int_outlier_days') }}

),

decisions as (

    select * from {{ ref('stg_decisions__review') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

sales as (

    select * from {{ ref('int_sales_daily') }}

),

-- a person may decide about a day that no rule doubts; about a pair that nobody knows there is nothing to decide
decided as (

    select
        sku_locations.sku_location_key,
        decisions.date,
        decisions.decision,
        cast(decisions.quantity as double) as decided_qty
    from decisions
    inner join sku_locations
        on
            decisions.sku_id = sku_locations.sku_id
            and decisions.location_id = sku_locations.location_id
    where decisions.is_valid and decisions.date <= {{ as_of() }}

),

doubted as (

    select
        coalesce(outliers.sku_location_key, decided.sku_location_key) as sku_location_key,
        coalesce(outliers.date, decided.date) as date,
        outliers.sku_location_key is not null as is_outlier,
        outliers.level_qty,
        decided.decision,
        decided.decided_qty
    from outliers
    full outer join decided
        on
            outliers.sku_location_key = decided.sku_location_key
            and outliers.date = decided.date

),

final as (

    select
        doubted.sku_location_key,
        doubted.date,
        doubted.is_outlier,
        coalesce(cast(sales.units_qty as double), 0) as units_qty,
        doubted.level_qty,
        doubted.decision,
        case
            when doubted.decision = 'keep' then coalesce(cast(sales.units_qty as double), 0)
            when doubted.decision = 'replace' then doubted.decided_qty
            when doubted.decision = 'ignore' then null
            else doubted.level_qty
        end as repaired_qty,
        case
            when doubted.decision = 'keep' then null
            when doubted.decision = 'replace' then 'replaced'
            when doubted.decision = 'ignore' then 'ignored'
            else 'outlier'
        end as repair_rule
    from doubted
    left join sales
        on
            doubted.sku_location_key = sales.sku_location_key
            and doubted.date = sales.date

)

select * from final
