with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

ranging as (

    select * from {{ ref('stg_erp__ranging') }}

),

products as (

    select * from {{ ref('stg_erp__products') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

sold_days as (

    select
        sku_location_key,
        date
    from {{ ref('int_sales_daily') }}

),

stock_days as (

    select
        sku_location_key,
        date
    from {{ ref('int_inventory_filled') }}

),

-- a listing may be older than anything the company has told
first_days as (

    select min(first_day) as first_day
    from (
        select min(date) as first_day from sold_days
        union all
        select min(date) as first_day from stock_days
    ) as firsts

),

first_snapshots as (

    select
        sku_location_key,
        min(date) as first_snapshot_on
    from stock_days
    group by sku_location_key

),

is_delivered as (

    select count(*) > 0 as is_ranging_delivered from ranging

),

listed as (

    select
        sku_locations.sku_location_key,
        sku_locations.sku_id,
        sku_locations.location_id,
        greatest(ranging.listed_on, first_days.first_day) as starts_on,
        coalesce({{ add_days('ranging.delisted_on', -1) }}, {{ as_of() }}) as ends_on
    from ranging
    inner join sku_locations
        on
            ranging.sku_id = sku_locations.sku_id
            and ranging.location_id = sku_locations.location_id
    cross join first_days

),

-- without listings a product is carried from its first sale or stock record until a year after its last sale
sold as (

    select
        sku_locations.sku_location_key,
        sku_locations.sku_id,
        sku_locations.location_id,
        least(
            coalesce(sku_locations.first_sold_on, first_snapshots.first_snapshot_on),
            coalesce(first_snapshots.first_snapshot_on, sku_locations.first_sold_on)
        ) as starts_on,
        greatest(
            coalesce(
                {{ add_days('sku_locations.last_sold_on', 364) }},
                {{ add_days('first_snapshots.first_snapshot_on', 364) }}
            ),
            coalesce(sku_locations.last_snapshot_on, sku_locations.last_sold_on)
        ) as ends_on
    from sku_locations
    cross join is_delivered
    left join first_snapshots on sku_locations.sku_location_key = first_snapshots.sku_location_key
    where
        not is_delivered.is_ranging_delivered
        and (sku_locations.first_sold_on is not null or first_snapshots.first_snapshot_on is not null)

),

spans as (

    select * from listed
    union all
    select * from sold

),

-- nothing is carried where the place is closed, or after the product has ended
candidates as (

    select
        spans.sku_location_key,
        greatest(spans.starts_on, coalesce(locations.opened_on, spans.starts_on)) as valid_from,
        least(
            spans.ends_on,
            {{ as_of() }},
            coalesce({{ add_days('locations.closed_on', -1) }}, spans.ends_on),
            coalesce({{ add_days('products.discontinued_on', -1) }}, spans.ends_on)
        ) as valid_to,
        1 as priority,
        1 as value
    from spans
    left join locations on spans.location_id = locations.location_id
    left join products on spans.sku_id = products.sku_id
    where
        greatest(spans.starts_on, coalesce(locations.opened_on, spans.starts_on)) <= least(
            spans.ends_on,
            {{ as_of() }},
            coalesce({{ add_days('locations.closed_on', -1) }}, spans.ends_on),
            coalesce({{ add_days('products.discontinued_on', -1) }}, spans.ends_on)
        )

),

{{ resolved_periods('sku_location_key') }},

-- days on which something happened although the place did not carry the product
known_days as (

    select * from sold_days
    union all
    select * from stock_days

),

inactive_days as (

    select distinct
        known_days.sku_location_key,
        known_days.date
    from known_days
    left join resolved
        on
            known_days.sku_location_key = resolved.sku_location_key
            and known_days.date between resolved.valid_from and resolved.valid_to
    where resolved.sku_location_key is null

),

final as (

    select
        sku_location_key,
        valid_from as starts_on,
        valid_to as ends_on,
        true as is_active
    from resolved
    union all
    select
        sku_location_key,
        date as starts_on,
        date as ends_on,
        false as is_active
    from inactive_days

)

select * from final
