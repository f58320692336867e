with locations as (

    select * from {{ ref('stg_erp__locations') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

delivered as (

    select
        location_id,
        location_name,
        location_type,
        region,
        timezone,
        supplied_by,
        ownership,
        opened_on,
        closed_on,
        (opened_on is null or opened_on <= {{ add_days(as_of(), 1) }})
        and (closed_on is null or closed_on > {{ as_of() }}) as is_open,
        false as is_inferred
    from locations

),

-- a place that only the facts know counts as open: it sold or held stock
inferred as (

    select distinct
        sku_locations.location_id,
        sku_locations.location_id as location_name,
        'unknown' as location_type,
        cast(null as varchar) as region,
        cast(null as varchar) as timezone,
        cast(null as varchar) as supplied_by,
        cast(null as varchar) as ownership,
        cast(null as date) as opened_on,
        cast(null as date) as closed_on,
        true as is_open,
        true as is_inferred
    from sku_locations
    left join locations on sku_locations.location_id = locations.location_id
    where locations.location_id is null

),

final as (

    select * from delivered
    union all
    select * from inferred

)

select * from final
