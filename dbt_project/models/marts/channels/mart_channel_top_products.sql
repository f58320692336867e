with totals as (

    select * from {{ ref('int_sku_channel_periods') }}

),

periods as (

    select * from {{ ref('int_periods') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

products as (

    select * from {{ ref('dim_product') }}

),

last_periods as (

    select
        last_period.period_type,
        last_period.starts_on,
        last_period.ends_on,
        previous.starts_on as previous_starts_on
    from periods as last_period
    left join periods as previous
        on
            last_period.period_type = previous.period_type
            and {{ add_days('previous.ends_on', 1) }} = last_period.starts_on
    where last_period.periods_back = 1

),

ranked as (

    select
        totals.*,
        row_number() over (
            partition by totals.period_type, totals.starts_on, totals.channel
            order by totals.net_amount desc, totals.sku_key asc
        ) as sales_rank,
        sum(totals.net_amount) over (
            partition by totals.period_type, totals.starts_on, totals.channel
        ) as channel_net_amount
    from totals
    inner join last_periods
        on
            totals.period_type = last_periods.period_type
            and (totals.starts_on = last_periods.starts_on or totals.starts_on = last_periods.previous_starts_on)

),

final as (

    select
        ranked.channel,
        ranked.period_type,
        last_periods.starts_on,
        last_periods.ends_on,
        cast(ranked.sales_rank as integer) as sales_rank,
        sku_locations.sku_id,
        products.product_name,
        sku_locations.department,
        sku_locations.category,
        ranked.net_amount,
        ranked.units_qty,
        ranked.margin_amount,
        cast(ranked.net_amount as double) / nullif(ranked.channel_net_amount, 0) as channel_share,
        cast(previous.sales_rank as integer) as previous_rank,
        cast(previous.sales_rank - ranked.sales_rank as integer) as rank_change,
        case
            when last_periods.previous_starts_on is not null
                then cast(coalesce(previous.net_amount, 0) as decimal(18, 2))
        end as previous_net_amount
    from ranked
    inner join last_periods
        on
            ranked.period_type = last_periods.period_type
            and ranked.starts_on = last_periods.starts_on
    left join ranked as previous
        on
            ranked.period_type = previous.period_type
            and ranked.channel = previous.channel
            and ranked.sku_key = previous.sku_key
            and last_periods.previous_starts_on = previous.starts_on
    inner join sku_locations on ranked.sku_key = sku_locations.sku_location_key
    inner join products on sku_locations.sku_id = products.sku_id
    where ranked.sales_rank <= 10 and ranked.net_amount > 0

)

select * from final
