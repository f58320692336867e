{%- set history_days = 728 %}
{%- set shelf_price -%}
    coalesce(lines.unit_price, (lines.net_amount + coalesce(lines.discount_amount, 0)) / lines.quantity)
{%- endset %}
with lines as (

    select * from {{ ref('stg_pos__sales') }}

),

sales as (

    select * from {{ ref('int_sales_daily') }}

),

shares as (

    select * from {{ ref('int_product_location_shares') }}

),

prices as (

    select * from {{ ref('int_prices') }}

),

stockout_days as (

    select * from {{ ref('int_stockout_days') }}

),

spells as (

    select * from {{ ref('int_product_away_spells') }}

),

promotion_weeks as (

    select * from {{ ref('int_product_promotion_weeks') }}

),

-- whole weeks of two years
week_starts as (

    select distinct {{ week_start('sold_on') }} as week_start
    from lines
    where
        {{ week_start('sold_on') }} >= {{ add_days(as_of(), -history_days) }}
        and {{ add_days(week_start('sold_on'), 6) }} <= {{ as_of() }}

),

sold as (

    select
        shares.sku_id,
        {{ week_start('sales.date') }} as week_start,
        sum(sales.units_qty) as units_qty
    from sales
    inner join shares on sales.sku_location_key = shares.sku_location_key
    inner join week_starts on {{ week_start('sales.date') }} = week_starts.week_start
    group by shares.sku_id, {{ week_start('sales.date') }}

),

lives as (

    select
        sku_id,
        min(week_start) as first_week,
        max(week_start) as last_week,
        count(*) as sold_weeks
    from sold
    where units_qty > 0
    group by sku_id
    having count(*) >= {{ var('price_response_min_weeks') }}

),

cheaper_in_part as (

    select distinct
        sku_id,
        week_start
    from promotion_weeks
    where mechanic not in ('display', 'mailer', 'gift') and promoted_share < 1

),

-- what most customers paid: a coupon of one of them is no price. An offer on a part of the week is: most paid all of it
-- or nothing, so there it is the mean
paid as (

    select
        lines.sku_id,
        week_starts.week_start,
        {{ entry(quantiles(shelf_price, [0.5]), 1) }} as price,
        {{ entry(quantiles('lines.net_amount / lines.quantity', [0.5]), 1) }} as paid_price,
        sum(lines.net_amount) / nullif(sum({{ shelf_price }} * lines.quantity), 0) as mean_paid_share
    from lines
    inner join week_starts on {{ week_start('lines.sold_on') }} = week_starts.week_start
    inner join lives on lines.sku_id = lives.sku_id
    where lines.quantity > 0 and lines.net_amount > 0
    group by lines.sku_id, week_starts.week_start

),

listed as (

    select
        shares.sku_id,
        week_starts.week_start,
        sum(shares.share * prices.price) / sum(shares.share) as price
    from prices
    inner join shares on prices.sku_location_key = shares.sku_location_key
    inner join week_starts
        on
            {{ add_days('week_starts.week_start', 3) }} >= prices.valid_from
            and {{ add_days('week_starts.week_start', 3) }} <= prices.valid_to
    where not prices.is_observed
    group by shares.sku_id, week_starts.week_start

),

days_away as (

    select
        sku_location_key,
        sum({{ days_from('away_from', 'away_to') }} + 1) as days
    from spells
    group by sku_location_key

),

-- what a place sells of a product while it has it: its share alone would make little of a place that came lately
weights as (

    select
        shares.sku_id,
        shares.sku_location_key,
        shares.share / greatest(
            {{ days_from('lives.first_week', as_of()) }} + 1 - coalesce(days_away.days, 0), 1
        ) as weight
    from shares
    inner join lives on shares.sku_id = lives.sku_id
    left join days_away on shares.sku_location_key = days_away.sku_location_key

),

closed as (

    select
        spells.sku_location_key,
        week_starts.week_start,
        {{ days_from(
            'greatest(spells.away_from, week_starts.week_start)',
            'least(spells.away_to, ' ~ add_days('week_starts.week_start', 6) ~ ')'
        ) }} + 1 as days
    from spells
    inner join week_starts
        on
            spells.away_from <= {{ add_days('week_starts.week_start', 6) }}
            and spells.away_to >= week_starts.week_start
    union all
    select
        stockout_days.sku_location_key,
        {{ week_start('stockout_days.date') }} as week_start,
        coalesce(stockout_days.stockout_share, 1) as days
    from stockout_days
    left join spells
        on
            stockout_days.sku_location_key = spells.sku_location_key
            and stockout_days.date >= spells.away_from
            and stockout_days.date <= spells.away_to
    where spells.sku_location_key is null

),

product_weights as (

    select
        sku_id,
        sum(weight) as weight
    from weights
    group by sku_id

),

closed_weeks as (

    select
        weights.sku_id,
        closed.week_start,
        sum(weights.weight * closed.days) / (7 * product_weights.weight) as closed_share
    from closed
    inner join weights on closed.sku_location_key = weights.sku_location_key
    inner join product_weights on weights.sku_id = product_weights.sku_id
    group by weights.sku_id, closed.week_start, product_weights.weight

),

listed_skus as (

    select distinct sku_id from listed

),

-- a price that only the tills show is known in weeks with a sale alone; of what sells in nearly all weeks it is known
fit_skus as (

    select
        lives.*,
        listed_skus.sku_id is not null as is_listed
    from lives
    left join listed_skus on lives.sku_id = listed_skus.sku_id
    where
        listed_skus.sku_id is not null
        or lives.sold_weeks >= 0.9 * ({{ days_from('lives.first_week', 'lives.last_week') }} / 7.0 + 1)

),

final as (

    select
        fit_skus.sku_id,
        '*' as zone_id,
        week_starts.week_start,
        cast(coalesce(sold.units_qty, 0) as double) as units_qty,
        cast(case when fit_skus.is_listed then listed.price else paid.price end as double) as price,
        cast(
            case when fit_skus.is_listed then listed.price else paid.price end
            * least(
                coalesce(
                    case
                        when cheaper_in_part.sku_id is not null then paid.mean_paid_share
                        else paid.paid_price / nullif(paid.price, 0)
                    end, 1
                ), 1
            ) as double
        ) as paid_price,
        greatest(1 - coalesce(closed_weeks.closed_share, 0), 0) as availability_share
    from fit_skus
    inner join week_starts
        on
            fit_skus.first_week <= week_starts.week_start
            and fit_skus.last_week >= week_starts.week_start
    left join sold
        on
            fit_skus.sku_id = sold.sku_id
            and week_starts.week_start = sold.week_start
    left join paid
        on
            fit_skus.sku_id = paid.sku_id
            and week_starts.week_start = paid.week_start
    left join listed
        on
            fit_skus.sku_id = listed.sku_id
            and week_starts.week_start = listed.week_start
    left join closed_weeks
        on
            fit_skus.sku_id = closed_weeks.sku_id
            and week_starts.week_start = closed_weeks.week_start
    left join cheaper_in_part
        on
            fit_skus.sku_id = cheaper_in_part.sku_id
            and week_starts.week_start = cheaper_in_part.week_start
    where case when fit_skus.is_listed then listed.price else paid.price end > 0

)

select * from final
