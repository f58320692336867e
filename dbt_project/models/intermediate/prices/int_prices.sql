with scoped_prices as (

    select * from {{ ref('int_prices_scoped') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

channel_sales as (

    select * from {{ ref('int_sales_channel_daily') }}

),

lines as (

    select * from {{ ref('stg_pos__sales') }}

),

-- what everybody pays: prices of a member tier are no shelf prices
shelf_prices as (

    select *
    from scoped_prices
    where member_tier = '*'

),

channel_priced_skus as (

    select distinct sku_id
    from shelf_prices
    where channel <> '*'

),

-- of prices that differ by channel a place shows that of the channel in which the product sells most there
channel_units as (

    select
        channel_sales.sku_location_key,
        channel_sales.channel,
        sum(channel_sales.units_qty) as units_qty
    from channel_sales
    inner join sku_locations on channel_sales.sku_location_key = sku_locations.sku_location_key
    inner join channel_priced_skus on sku_locations.sku_id = channel_priced_skus.sku_id
    group by channel_sales.sku_location_key, channel_sales.channel

),

main_channels as (

    select
        sku_location_key,
        channel
    from (
        select
            *,
            row_number() over (partition by sku_location_key order by units_qty desc, channel asc) as place
        from channel_units
    ) as ranked_channels
    where place = 1

),

-- the price made for the place comes before the one for all, then the one made for the channel
pair_prices as (

    select
        sku_locations.sku_location_key,
        shelf_prices.valid_from,
        shelf_prices.valid_to,
        shelf_prices.price,
        shelf_prices.channel,
        0 as place_rank
    from shelf_prices
    inner join sku_locations
        on
            shelf_prices.sku_id = sku_locations.sku_id
            and shelf_prices.location_id = sku_locations.location_id
    union all
    select
        sku_locations.sku_location_key,
        shelf_prices.valid_from,
        shelf_prices.valid_to,
        shelf_prices.price,
        shelf_prices.channel,
        2 as place_rank
    from shelf_prices
    inner join sku_locations on shelf_prices.sku_id = sku_locations.sku_id
    where shelf_prices.location_id = '*'

),

delivered as (

    select
        pair_prices.sku_location_key,
        pair_prices.valid_from,
        pair_prices.valid_to,
        pair_prices.place_rank + case when pair_prices.channel = '*' then 1 else 0 end as priority,
        pair_prices.price as value
    from pair_prices
    left join main_channels
        on
            pair_prices.sku_location_key = main_channels.sku_location_key
            and pair_prices.channel = main_channels.channel
    where pair_prices.channel = '*' or main_channels.channel is not null

),

delivered_pairs as (

    select distinct sku_location_key
    from delivered

),

unpriced_pairs as (

    select
        sku_locations.sku_location_key,
        sku_locations.sku_id,
        sku_locations.location_id
    from sku_locations
    left join delivered_pairs on sku_locations.sku_location_key = delivered_pairs.sku_location_key
    where delivered_pairs.sku_location_key is null

),

-- without a price list the tills say what stood on the shelf: the average of the day's lines before discount
observed_days as (

    select
        unpriced_pairs.sku_location_key,
        lines.sold_on as date,
        cast(
            sum(
                coalesce(
                    lines.unit_price * lines.quantity,
                    lines.net_amount + coalesce(lines.discount_amount, 0)
                )
            ) / sum(lines.quantity) as decimal(18, 4)
        ) as price
    from lines
    inner join unpriced_pairs
        on
            lines.sku_id = unpriced_pairs.sku_id
            and lines.location_id = unpriced_pairs.location_id
    where lines.quantity > 0
    group by unpriced_pairs.sku_location_key, lines.sold_on

),

observed_changes as (

    select
        *,
        lag(price) over (partition by sku_location_key order by date) as price_before
    from observed_days

),

-- seen once, a price holds until another one is seen
observed as (

    select
        sku_location_key,
        date as valid_from,
        coalesce(
            {{ add_days('lead(date) over (partition by sku_location_key order by date)', -1) }},
            {{ last_day_of_all() }}
        ) as valid_to,
        price
    from observed_changes
    where price_before is null or price <> price_before

),

candidates as (

    select *
    from delivered

),

{{ resolved_periods('sku_location_key') }},

final as (

    select
        sku_location_key,
        valid_from,
        valid_to,
        cast(value as decimal(18, 4)) as price,
        false as is_observed
    from resolved
    union all
    select
        sku_location_key,
        valid_from,
        valid_to,
        price,
        true as is_observed
    from observed

)

select * from final
