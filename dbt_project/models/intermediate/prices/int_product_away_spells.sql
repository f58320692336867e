{%- set history_days = 728 %}
{%- set surely_missed_qty = 10 %}
with sales as (

    select
        sku_location_key,
        date,
        units_qty
    from {{ ref('int_sales_daily') }}
    where units_qty > 0 and date >= {{ add_days(as_of(), -history_days) }} and date <= {{ as_of() }}

),

shares as (

    select * from {{ ref('int_product_location_shares') }}

),

sold as (

    select
        shares.sku_id,
        shares.sku_location_key,
        sum(sales.units_qty) as units_qty,
        min(sales.date) as first_sold_on,
        max(sales.date) as last_sold_on
    from sales
    inner join shares on sales.sku_location_key = shares.sku_location_key
    group by shares.sku_id, shares.sku_location_key

),

rates as (

    select
        sku_location_key,
        first_sold_on,
        last_sold_on,
        min(first_sold_on) over (partition by sku_id) as product_sold_from,
        units_qty / greatest({{ days_from('first_sold_on', 'last_sold_on') }} + 1, 91) as usual_qty
    from sold

),

gaps as (

    select
        sku_location_key,
        {{ add_days('date', 1) }} as away_from,
        {{ add_days('lead(date) over (partition by sku_location_key order by date)', -1) }} as away_to
    from sales
    union all
    select
        sku_location_key,
        product_sold_from as away_from,
        {{ add_days('first_sold_on', -1) }} as away_to
    from rates
    union all
    select
        sku_location_key,
        {{ add_days('last_sold_on', 1) }} as away_from,
        {{ as_of() }} as away_to
    from rates

),

final as (

    select
        gaps.sku_location_key,
        gaps.away_from,
        gaps.away_to
    from gaps
    inner join rates on gaps.sku_location_key = rates.sku_location_key
    where
        gaps.away_to >= gaps.away_from
        and ({{ days_from('gaps.away_from', 'gaps.away_to') }} + 1) * rates.usual_qty >= {{ surely_missed_qty }}

)

select * from final
