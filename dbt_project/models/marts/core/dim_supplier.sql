with suppliers as (

    select * from {{ ref('stg_erp__suppliers') }}

),

purchase_lines as (

    select * from {{ ref('int_purchase_order_lines') }}

),

sourcing as (

    select * from {{ ref('stg_erp__sourcing') }}

),

resolved as (

    select * from {{ ref('int_sourcing_resolved') }}

),

lead_times as (

    select * from {{ ref('int_lead_times_measured') }}

),

ordered as (

    select
        supplier_id,
        min(ordered_on) as first_ordered_on,
        max(ordered_on) as last_ordered_on
    from purchase_lines
    group by supplier_id

),

-- what it supplies: the pairs that are sourced from it today, and those it was ordered from lately
pairs as (

    select
        supplier_id,
        sku_id,
        location_id
    from resolved
    where supplier_id is not null
    union
    select
        supplier_id,
        sku_id,
        location_id
    from purchase_lines
    where ordered_on > {{ add_days(as_of(), '-' ~ var('lead_time_window_days')) }}

),

supplied as (

    select
        supplier_id,
        count(distinct sku_id) as product_count,
        count(distinct location_id) as location_count
    from pairs
    group by supplier_id

),

promised as (

    select
        supplier_id,
        {{ entry(quantiles('promised_lead_time_days', [0.5]), 1) }} as lead_time_days
    from resolved
    where supplier_id is not null
    group by supplier_id

),

named as (

    select supplier_id from suppliers
    union
    select supplier_id from ordered
    union
    select supplier_id from sourcing
    where supplier_id is not null

),

final as (

    select
        named.supplier_id,
        coalesce(suppliers.supplier_name, named.supplier_id) as supplier_name,
        suppliers.order_weekdays,
        cast(suppliers.min_order_value as decimal(18, 2)) as min_order_value,
        coalesce(supplied.product_count, 0) as product_count,
        coalesce(supplied.location_count, 0) as location_count,
        ordered.first_ordered_on,
        ordered.last_ordered_on,
        cast(coalesce(lead_times.lead_time_p50_days, promised.lead_time_days) as double) as typical_lead_time_days,
        case
            when lead_times.lead_time_p50_days is not null then 'measured'
            when promised.lead_time_days is not null then 'delivered'
        end as typical_lead_time_source,
        suppliers.supplier_id is null as is_inferred
    from named
    left join suppliers on named.supplier_id = suppliers.supplier_id
    left join ordered on named.supplier_id = ordered.supplier_id
    left join supplied on named.supplier_id = supplied.supplier_id
    left join promised on named.supplier_id = promised.supplier_id
    left join lead_times
        on
            named.supplier_id = lead_times.supplier_id
            and lead_times.scope = 'all'

)

select * from final
