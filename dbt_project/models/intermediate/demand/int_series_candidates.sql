with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

products as (

    select * from {{ ref('stg_erp__products') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

ranging as (

    select count(*) > 0 as is_delivered from {{ ref('stg_erp__ranging') }}

),

-- unknown products and places (sold, but in no master file) count as current and open
flagged as (

    select
        sku_locations.sku_location_key,
        sku_locations.sku_id,
        sku_locations.location_id,
        locations.region,
        sku_locations.first_sold_on,
        sku_locations.last_sold_on,
        ranging.is_delivered as is_ranging_delivered,
        products.discontinued_on is null
        or products.discontinued_on > {{ as_of() }} as is_current_product,
        (locations.opened_on is null or locations.opened_on <= {{ add_days(as_of(), 1) }})
        and (locations.closed_on is null or locations.closed_on > {{ as_of() }}) as is_open_place,
        coalesce(sku_locations.is_listed, false) as is_listed,
        coalesce(
            sku_locations.last_sold_on >= {{ add_days(as_of(), -363) }}, false
        ) as is_sold_lately,
        -- a launch brings in the places where the product has sold, whenever that was: nothing else says where it goes
        sku_locations.first_sold_on is not null
        and coalesce(
            products.launched_on between {{ add_days(as_of(), -181) }} and {{ as_of() }}, false
        ) as is_launched_lately
    from sku_locations
    cross join ranging
    left join products on sku_locations.sku_id = products.sku_id
    left join locations on sku_locations.location_id = locations.location_id

),

selected as (

    select
        *,
        is_current_product
        and is_open_place
        and case
            when is_ranging_delivered then is_listed
            else is_sold_lately or is_launched_lately
        end as is_selected
    from flagged

),

final as (

    select
        *,
        case
            when is_selected then location_id
            when is_ranging_delivered and is_current_product then {{ unlisted_location('region') }}
        end as series_location_id,
        -- sells now where nobody listed it: reason enough for a pooled series
        is_ranging_delivered
        and is_current_product
        and is_open_place
        and not is_selected
        and is_sold_lately as is_sold_unlisted
    from selected

)

select * from final
