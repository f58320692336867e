with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

series as (

    select * from {{ ref('int_series_selected') }}

),

sourcing as (

    select * from {{ ref('stg_erp__sourcing') }}

),

products as (

    select * from {{ ref('stg_erp__products') }}

),

planned_pairs as (

    select
        sku_locations.sku_id,
        sku_locations.location_id
    from sku_locations
    left join series
        on
            sku_locations.sku_id = series.sku_id
            and sku_locations.location_id = series.location_id
    where
        sku_locations.last_snapshot_on is not null
        or sku_locations.is_listed is not null
        or series.series_id is not null

),

valid_sourcing as (

    select *
    from sourcing
    where valid_from is null or valid_from <= {{ as_of() }}

),

options as (

    select
        planned_pairs.sku_id,
        planned_pairs.location_id,
        0 as generality,
        valid_sourcing.supplier_id,
        valid_sourcing.from_location_id,
        valid_sourcing.lead_time_days,
        valid_sourcing.lead_time_sd_days,
        valid_sourcing.min_order_qty,
        valid_sourcing.order_multiple,
        valid_sourcing.unit_cost,
        valid_sourcing.valid_from
    from planned_pairs
    inner join valid_sourcing
        on
            planned_pairs.sku_id = valid_sourcing.sku_id
            and planned_pairs.location_id = valid_sourcing.location_id
    union all
    select
        planned_pairs.sku_id,
        planned_pairs.location_id,
        1 as generality,
        valid_sourcing.supplier_id,
        valid_sourcing.from_location_id,
        valid_sourcing.lead_time_days,
        valid_sourcing.lead_time_sd_days,
        valid_sourcing.min_order_qty,
        valid_sourcing.order_multiple,
        valid_sourcing.unit_cost,
        valid_sourcing.valid_from
    from planned_pairs
    inner join valid_sourcing
        on
            planned_pairs.sku_id = valid_sourcing.sku_id
            and valid_sourcing.location_id = '*'

),

-- the place itself before '*', then the newest, then the cheapest; names only settle a full tie
ranked as (

    select
        *,
        row_number() over (
            partition by sku_id, location_id
            order by
                generality asc,
                valid_from desc nulls last,
                unit_cost asc nulls last,
                supplier_id asc nulls last,
                from_location_id asc nulls last
        ) as choice
    from options
    -- '*' names the warehouse too, and no place feeds itself
    where from_location_id is null or from_location_id <> location_id

),

final as (

    select
        planned_pairs.sku_id,
        planned_pairs.location_id,
        ranked.supplier_id,
        ranked.from_location_id,
        ranked.lead_time_days,
        ranked.lead_time_sd_days,
        ranked.min_order_qty,
        ranked.order_multiple,
        coalesce(ranked.unit_cost, products.unit_cost) as unit_cost,
        ranked.choice is not null as is_sourced
    from planned_pairs
    left join ranked
        on
            planned_pairs.sku_id = ranked.sku_id
            and planned_pairs.location_id = ranked.location_id
            and ranked.choice = 1
    left join products on planned_pairs.sku_id = products.sku_id

)

select * from final
