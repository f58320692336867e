with promotions as (

    select * from {{ ref('stg_erp__promotions') }}

),

items as (

    select * from {{ ref('stg_erp__promotion_items') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

-- only pairs that are known: most promoted products never reach most places
item_pairs as (

    select
        sku_locations.sku_location_key,
        items.promotion_id
    from items
    inner join sku_locations
        on
            items.sku_id = sku_locations.sku_id
            and items.location_id = sku_locations.location_id
    union all
    select
        sku_locations.sku_location_key,
        items.promotion_id
    from items
    inner join sku_locations on items.sku_id = sku_locations.sku_id
    where items.location_id is null

),

periods as (

    select distinct
        item_pairs.sku_location_key,
        promotions.starts_on,
        promotions.ends_on
    from item_pairs
    inner join promotions on item_pairs.promotion_id = promotions.promotion_id
    where promotions.starts_on <= promotions.ends_on

),

previous_ends as (

    select
        *,
        max(ends_on) over (
            partition by sku_location_key
            order by starts_on, ends_on
            rows between unbounded preceding and 1 preceding
        ) as previous_end
    from periods

),

-- a period that starts later than the day after all before it have ended opens a new run
runs as (

    select
        *,
        sum(
            case when starts_on <= {{ add_days('previous_end', 1) }} then 0 else 1 end
        ) over (
            partition by sku_location_key
            order by starts_on, ends_on
            rows between unbounded preceding and current row
        ) as run
    from previous_ends

),

final as (

    select
        sku_location_key,
        min(starts_on) as starts_on,
        max(ends_on) as ends_on
    from runs
    group by sku_location_key, run

)

select * from final
