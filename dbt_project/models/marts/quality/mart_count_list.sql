with positions as (

    select * from {{ ref('int_stock_positions') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

sales as (

    select * from {{ ref('int_sales_daily') }}

),

snapshots as (

    select * from {{ ref('int_inventory_daily') }}

),

lines as (

    select * from {{ ref('stg_pos__sales') }}

),

purchase_orders as (

    select * from {{ ref('stg_erp__purchase_orders') }}

),

transfers as (

    select * from {{ ref('stg_erp__transfers') }}

),

sourcing as (

    select * from {{ ref('int_sourcing_resolved') }}

),

products as (

    select * from {{ ref('dim_product') }}

),

-- an old record is no ground to send anybody to a shelf
stocked as (

    select
        sku_locations.sku_location_key,
        positions.sku_id,
        positions.location_id,
        positions.snapshot_date,
        positions.on_hand_qty,
        sku_locations.last_sold_on,
        greatest(sku_locations.first_sold_on, {{ add_days('positions.snapshot_date', -363) }}) as known_since,
        -- what is discontinued or taken off the list is not expected to sell
        coalesce(sku_locations.is_listed, true)
        and (products.discontinued_on is null or products.discontinued_on > {{ as_of() }}) as is_expected_to_sell,
        coalesce(sourcing.unit_cost, products.unit_cost, products.list_price, 0) as unit_cost
    from positions
    inner join sku_locations
        on
            positions.sku_id = sku_locations.sku_id
            and positions.location_id = sku_locations.location_id
    left join sourcing
        on
            positions.sku_id = sourcing.sku_id
            and positions.location_id = sourcing.location_id
    left join products on positions.sku_id = products.sku_id
    where positions.snapshot_date >= {{ add_days(as_of(), -7) }}

),

selling_days as (

    select
        stocked.sku_location_key,
        count(*) as selling_days
    from stocked
    inner join sales on stocked.sku_location_key = sales.sku_location_key
    where sales.units_qty > 0 and sales.date >= stocked.known_since
    group by stocked.sku_location_key

),

empty_days as (

    select
        stocked.sku_location_key,
        sum(case when snapshots.snapshot_date > stocked.last_sold_on then 1 else 0 end) as empty_since,
        sum(case when snapshots.snapshot_date <= stocked.last_sold_on then 1 else 0 end) as empty_before
    from snapshots
    inner join stocked
        on
            snapshots.sku_id = stocked.sku_id
            and snapshots.location_id = stocked.location_id
    where snapshots.is_stockout and snapshots.snapshot_date >= stocked.known_since
    group by stocked.sku_location_key

),

silences as (

    select
        stocked.*,
        selling_days.selling_days,
        {{ days_from('stocked.known_since', 'stocked.last_sold_on') }}
        - coalesce(empty_days.empty_before, 0) as days_known,
        {{ days_from('stocked.last_sold_on', 'stocked.snapshot_date') }}
        - coalesce(empty_days.empty_since, 0) as silent_days
    from stocked
    inner join selling_days on stocked.sku_location_key = selling_days.sku_location_key
    left join empty_days on stocked.sku_location_key = empty_days.sku_location_key
    where
        stocked.on_hand_qty > 0
        and stocked.is_expected_to_sell
        and selling_days.selling_days >= {{ var('phantom_min_days') }}

),

-- sales of unknown rate: n selling days make n - 1 gaps of days_known in all, so the next gap is longer than d with
-- probability (days_known / (days_known + d)) ^ (n - 1): the negative binomial's zero, with the rate's own doubt in it
silent as (

    select
        *,
        power(days_known * 1.0 / (days_known + silent_days), selling_days - 1) as chance_by_days
    from silences
    where
        silent_days > 0
        and days_known > 0
        and power(days_known * 1.0 / (days_known + silent_days), selling_days - 1) < {{ var('phantom_max_chance') }}

),

-- out of season it sells nowhere: days count by what the product's other places sold on them
elsewhere as (

    select
        silent.sku_location_key,
        sum(case when sales.date <= silent.last_sold_on then 1 else 0 end) as sold_elsewhere_before,
        sum(case when sales.date > silent.last_sold_on then 1 else 0 end) as sold_elsewhere_since
    from silent
    inner join sku_locations
        on
            silent.sku_id = sku_locations.sku_id
            and silent.location_id <> sku_locations.location_id
    inner join sales on sku_locations.sku_location_key = sales.sku_location_key
    where sales.units_qty > 0 and sales.date between silent.known_since and silent.snapshot_date
    group by silent.sku_location_key

),

phantoms as (

    select
        silent.*,
        elsewhere.sold_elsewhere_before,
        elsewhere.sold_elsewhere_since,
        greatest(
            silent.chance_by_days,
            case
                when elsewhere.sold_elsewhere_before > 0
                    then
                        power(
                            elsewhere.sold_elsewhere_before * 1.0
                            / (elsewhere.sold_elsewhere_before + elsewhere.sold_elsewhere_since),
                            silent.selling_days - 1
                        )
                else 0
            end
        ) as chance
    from silent
    left join elsewhere on silent.sku_location_key = elsewhere.sku_location_key

),

-- the last four weeks, from the place whose stock served the line
served as (

    select
        fulfilled_from_location_id as location_id,
        sku_id,
        sold_on as date,
        sum(quantity) as served_qty
    from lines
    where sold_on > {{ add_days(as_of(), -28) }}
    group by fulfilled_from_location_id, sku_id, sold_on

),

arrived as (

    select
        location_id,
        sku_id,
        received_on as date,
        received_qty as arrived_qty
    from purchase_orders
    where received_on > {{ add_days(as_of(), -28) }}
    union all
    select
        to_location_id as location_id,
        sku_id,
        received_on as date,
        transfer_qty as arrived_qty
    from transfers
    where received_on > {{ add_days(as_of(), -28) }}

),

arrived_days as (

    select
        location_id,
        sku_id,
        date,
        sum(arrived_qty) as arrived_qty
    from arrived
    group by location_id, sku_id, date

),

empty_openings as (

    select
        location_id,
        sku_id,
        {{ add_days('snapshot_date', 1) }} as date
    from snapshots
    where is_stockout and snapshot_date >= {{ add_days(as_of(), -28) }}

),

sold_from_nothing as (

    select
        empty_openings.location_id,
        empty_openings.sku_id,
        count(*) as days_sold_from_nothing,
        sum(served.served_qty - coalesce(arrived_days.arrived_qty, 0)) as sold_from_nothing_qty
    from empty_openings
    inner join served
        on
            empty_openings.location_id = served.location_id
            and empty_openings.sku_id = served.sku_id
            and empty_openings.date = served.date
    left join arrived_days
        on
            empty_openings.location_id = arrived_days.location_id
            and empty_openings.sku_id = arrived_days.sku_id
            and empty_openings.date = arrived_days.date
    where served.served_qty > coalesce(arrived_days.arrived_qty, 0)
    group by empty_openings.location_id, empty_openings.sku_id

),

judged as (

    select
        stocked.sku_id,
        stocked.location_id,
        products.product_name,
        products.category,
        stocked.snapshot_date,
        stocked.on_hand_qty,
        stocked.unit_cost,
        stocked.last_sold_on,
        case when stocked.on_hand_qty < 0 then -stocked.on_hand_qty else 0 end as negative_qty,
        coalesce(sold_from_nothing.days_sold_from_nothing, 0) as days_sold_from_nothing,
        coalesce(sold_from_nothing.sold_from_nothing_qty, 0) as sold_from_nothing_qty,
        case when phantoms.chance < {{ var('phantom_max_chance') }} then stocked.on_hand_qty else 0 end as phantom_qty,
        phantoms.selling_days,
        phantoms.days_known,
        phantoms.silent_days,
        phantoms.sold_elsewhere_before,
        phantoms.sold_elsewhere_since,
        phantoms.chance
    from stocked
    left join products on stocked.sku_id = products.sku_id
    left join sold_from_nothing
        on
            stocked.sku_id = sold_from_nothing.sku_id
            and stocked.location_id = sold_from_nothing.location_id
    left join phantoms on stocked.sku_location_key = phantoms.sku_location_key

),

final as (

    select
        sku_id,
        location_id,
        product_name,
        category,
        case
            when negative_qty > 0 then 'negative_on_hand'
            when sold_from_nothing_qty > 0 then 'sold_from_nothing'
            else 'no_sales_with_stock'
        end as rule,
        snapshot_date,
        cast(on_hand_qty as decimal(18, 3)) as on_hand_qty,
        last_sold_on,
        cast(days_sold_from_nothing as integer) as days_sold_from_nothing,
        cast(sold_from_nothing_qty as decimal(18, 3)) as sold_from_nothing_qty,
        cast(selling_days as integer) as selling_days,
        cast(days_known as integer) as days_known,
        cast(silent_days as integer) as silent_days,
        cast(sold_elsewhere_before as integer) as sold_elsewhere_before,
        cast(sold_elsewhere_since as integer) as sold_elsewhere_since,
        chance,
        cast(greatest(negative_qty, sold_from_nothing_qty, phantom_qty) as decimal(18, 3)) as doubted_qty,
        cast(unit_cost as decimal(18, 4)) as unit_cost,
        cast(greatest(negative_qty, sold_from_nothing_qty, phantom_qty) * unit_cost as decimal(18, 2)) as money_at_risk,
        cast(
            row_number() over (
                order by
                    greatest(negative_qty, sold_from_nothing_qty, phantom_qty) * unit_cost desc,
                    sku_id asc,
                    location_id asc
            ) as integer
        ) as count_rank
    from judged
    where negative_qty > 0 or sold_from_nothing_qty > 0 or phantom_qty > 0

)

select * from final
