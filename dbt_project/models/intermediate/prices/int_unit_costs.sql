with sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

snapshots as (

    select * from {{ ref('int_inventory_daily') }}

),

sourcing as (

    select * from {{ ref('stg_erp__sourcing') }}

),

products as (

    select * from {{ ref('stg_erp__products') }}

),

-- most pairs have one cost in all their records: only the others are looked at day by day
recorded_pairs as (

    select
        sku_locations.sku_location_key,
        snapshots.sku_id,
        snapshots.location_id,
        min(snapshots.snapshot_date) as first_recorded_on,
        min(snapshots.unit_cost) as lowest_cost,
        max(snapshots.unit_cost) as highest_cost
    from snapshots
    inner join sku_locations
        on
            snapshots.sku_id = sku_locations.sku_id
            and snapshots.location_id = sku_locations.location_id
    where snapshots.unit_cost is not null
    group by sku_locations.sku_location_key, snapshots.sku_id, snapshots.location_id

),

recorded_changes as (

    select
        recorded_pairs.sku_location_key,
        snapshots.snapshot_date as date,
        snapshots.unit_cost,
        lag(snapshots.unit_cost) over (
            partition by recorded_pairs.sku_location_key order by snapshots.snapshot_date
        ) as cost_before
    from snapshots
    inner join recorded_pairs
        on
            snapshots.sku_id = recorded_pairs.sku_id
            and snapshots.location_id = recorded_pairs.location_id
    where snapshots.unit_cost is not null and recorded_pairs.lowest_cost < recorded_pairs.highest_cost

),

recorded as (

    select
        sku_location_key,
        date as valid_from,
        coalesce(
            {{ add_days('lead(date) over (partition by sku_location_key order by date)', -1) }},
            {{ last_day_of_all() }}
        ) as valid_to,
        unit_cost
    from recorded_changes
    where cost_before is null or unit_cost <> cost_before
    union all
    select
        sku_location_key,
        first_recorded_on as valid_from,
        {{ last_day_of_all() }} as valid_to,
        lowest_cost as unit_cost
    from recorded_pairs
    where lowest_cost = highest_cost

),

-- the place itself before '*', then the newest, then the cheapest, as in int_sourcing_resolved
sourced_pairs as (

    select
        sku_locations.sku_location_key,
        0 as generality,
        coalesce(sourcing.valid_from, {{ first_day_of_all() }}) as valid_from,
        sourcing.unit_cost
    from sourcing
    inner join sku_locations
        on
            sourcing.sku_id = sku_locations.sku_id
            and sourcing.location_id = sku_locations.location_id
    where
        sourcing.unit_cost is not null
        and (sourcing.from_location_id is null or sourcing.from_location_id <> sku_locations.location_id)
    union all
    select
        sku_locations.sku_location_key,
        1 as generality,
        coalesce(sourcing.valid_from, {{ first_day_of_all() }}) as valid_from,
        sourcing.unit_cost
    from sourcing
    inner join sku_locations on sourcing.sku_id = sku_locations.sku_id
    where
        sourcing.location_id = '*'
        and sourcing.unit_cost is not null
        and (sourcing.from_location_id is null or sourcing.from_location_id <> sku_locations.location_id)

),

sourced as (

    select
        *,
        row_number() over (
            partition by sku_location_key order by generality asc, valid_from desc, unit_cost asc
        ) as choice
    from sourced_pairs

),

candidates as (

    select
        sku_location_key,
        valid_from,
        valid_to,
        cast(0 as bigint) as priority,
        unit_cost as value
    from recorded
    union all
    select
        sku_location_key,
        valid_from,
        {{ last_day_of_all() }} as valid_to,
        choice as priority,
        unit_cost as value
    from sourced
    union all
    select
        sku_locations.sku_location_key,
        {{ first_day_of_all() }} as valid_from,
        {{ last_day_of_all() }} as valid_to,
        cast(1000000 as bigint) as priority,
        products.unit_cost as value
    from sku_locations
    inner join products on sku_locations.sku_id = products.sku_id
    where products.unit_cost is not null

),

{{ resolved_periods('sku_location_key') }},

-- what was sold before anybody recorded a cost is valued at the first one known
numbered as (

    select
        *,
        row_number() over (partition by sku_location_key order by valid_from) as number
    from resolved

),

final as (

    select
        sku_location_key,
        case when number = 1 then {{ first_day_of_all() }} else valid_from end as valid_from,
        valid_to,
        cast(value as decimal(18, 4)) as unit_cost
    from numbered

)

select * from final
