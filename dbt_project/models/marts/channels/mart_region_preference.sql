{%- set z = 1.644854 %}
with sales as (

    select * from {{ ref('int_sales_channel_daily') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

locations as (

    select * from {{ ref('dim_location') }}

),

periods as (

    select * from {{ ref('int_periods') }}

),

calendar as (

    select * from {{ ref('dim_date') }}

),

weeks as (

    select starts_on as week_start
    from periods
    where period_type = 'week' and periods_back <= {{ var('preference_weeks') }}

),

-- by integers first: place and category
sold_by_key as (

    select
        sku_locations.location_category_key,
        calendar.week_start,
        sum(sales.net_amount) as net_amount
    from sales
    inner join calendar on sales.date = calendar.date
    inner join weeks on calendar.week_start = weeks.week_start
    inner join sku_locations on sales.sku_location_key = sku_locations.sku_location_key
    group by sku_locations.location_category_key, calendar.week_start

),

sold as (

    select
        coalesce(locations.region, 'unknown') as region,
        sku_locations.department,
        sku_locations.category,
        sold_by_key.week_start,
        sum(sold_by_key.net_amount) as net_amount
    from sold_by_key
    inner join sku_locations on sold_by_key.location_category_key = sku_locations.sku_location_key
    inner join locations on sku_locations.location_id = locations.location_id
    group by
        coalesce(locations.region, 'unknown'),
        sku_locations.department,
        sku_locations.category,
        sold_by_key.week_start

),

regions as (

    select distinct region from sold

),

categories as (

    select distinct
        department,
        category
    from sold

),

-- a week without sales of a category says something too
grid as (

    select
        regions.region,
        categories.department,
        categories.category,
        weeks.week_start,
        cast(coalesce(sold.net_amount, 0) as double) as amount
    from regions
    cross join categories
    cross join weeks
    left join sold
        on
            regions.region = sold.region
            and categories.department = sold.department
            and categories.category = sold.category
            and weeks.week_start = sold.week_start

),

margins as (

    select
        *,
        sum(amount) over (partition by region, week_start) as region_amount,
        sum(amount) over (partition by department, category, week_start) as category_amount,
        sum(amount) over (partition by week_start) as company_amount
    from grid

),

totals as (

    select
        region,
        department,
        category,
        sum(amount) as amount,
        sum(region_amount) as region_amount,
        sum(category_amount) as category_amount,
        sum(company_amount) as company_amount,
        count(*) as week_count,
        sum(case when category_amount > 0 then 1 else 0 end) as sold_week_count
    from margins
    group by region, department, category

),

-- how far each week pulls the logarithm of the index: the four shares of the index, linearised
pulls as (

    select
        margins.region,
        margins.department,
        margins.category,
        margins.amount / totals.amount
        - margins.region_amount / totals.region_amount
        - margins.category_amount / totals.category_amount
        + margins.company_amount / totals.company_amount as pull
    from margins
    inner join totals
        on
            margins.region = totals.region
            and margins.department = totals.department
            and margins.category = totals.category
    where
        totals.amount > 0
        and totals.region_amount > 0
        and totals.category_amount > 0
        and totals.company_amount > 0

),

spreads as (

    select
        region,
        department,
        category,
        sqrt(sum(pull * pull) * count(*) / nullif(count(*) - 1, 0)) as log_error
    from pulls
    group by region, department, category

),

indexes as (

    select
        totals.*,
        100 * (totals.amount / nullif(totals.region_amount, 0))
        / nullif(totals.category_amount / nullif(totals.company_amount, 0), 0) as preference_index,
        -- Student's t of the 95 % quantile, expanded in 1 / (weeks - 1): 1.708 for 26 weeks
        case when totals.sold_week_count >= 8 then spreads.log_error * (
            {{ z }}
            + {{ z**3 + z }} / (4 * (totals.week_count - 1))
            + {{ 5 * z**5 + 16 * z**3 + 3 * z }} / (96 * (totals.week_count - 1) * (totals.week_count - 1))
        ) end as log_margin
    from totals
    left join spreads
        on
            totals.region = spreads.region
            and totals.department = spreads.department
            and totals.category = spreads.category

),

intervals as (

    select
        *,
        preference_index * exp(-log_margin) as index_low,
        preference_index * exp(log_margin) as index_high
    from indexes

),

final as (

    select
        region,
        department,
        category,
        cast(amount as decimal(18, 2)) as net_amount,
        amount / nullif(region_amount, 0) as region_share,
        category_amount / nullif(company_amount, 0) as company_share,
        round(preference_index, 6) as preference_index,
        round(index_low, 6) as index_low,
        round(index_high, 6) as index_high,
        case
            when index_low > 100 then 'above'
            when index_high < 100 then 'below'
            when index_low is not null then 'not shown'
        end as preference,
        cast(week_count as integer) as week_count
    from intervals

)

select * from final
