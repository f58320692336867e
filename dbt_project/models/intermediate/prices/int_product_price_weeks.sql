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

-- what most customers paid: a coupon of one of them is no price
paid as (

    select
        lines.sku_id,
        week_starts.week_start,
        {{ entry(quantiles(shelf_price, [0.5]), 1) }} as price,
        {{ entry(quantiles('lines.net_amount / lines.quantity', [0.5]), 1) }} as paid_price
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

empty_days as (

    select
        shares.sku_id,
        {{ week_start('stockout_days.date') }} as week_start,
        sum(shares.share * coalesce(stockout_days.stockout_share, 1)) / 7 as empty_share
    from stockout_days
    inner join shares on stockout_days.sku_location_key = shares.sku_location_key
    inner join week_starts on {{ week_start('stockout_days.date') }} = week_starts.week_start
    group by shares.sku_id, {{ week_start('stockout_days.date') }}

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
            * least(coalesce(paid.paid_price / nullif(paid.price, 0), 1), 1) as double
        ) as paid_price,
        greatest(1 - coalesce(empty_days.empty_share, 0), 0) as availability_share
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
    left join empty_days
        on
            fit_skus.sku_id = empty_days.sku_id
            and week_starts.week_start = empty_days.week_start
    where case when fit_skus.is_listed then listed.price else paid.price end > 0

)

select * from final
