with sales as (

    select * from {{ ref('int_sales_daily') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

events as (

    select * from {{ ref('stg_erp__events') }}

),

-- from here on a few thousand rows: places, not products
sold as (

    select
        sku_locations.location_id,
        sales.date,
        count(*) as products,
        cast(sum(sales.units_qty) as double) as units_qty,
        cast(sum(sales.net_amount) as double) as net_amount
    from sales
    inner join sku_locations on sales.sku_location_key = sku_locations.sku_location_key
    group by sku_locations.location_id, sales.date

),

-- a place counts from its first sale to its close; one without a sale for four weeks has closed, whatever is on file
lives as (

    select
        sold.location_id,
        locations.region,
        min(sold.date) as first_day,
        least(
            coalesce({{ add_days('min(locations.closed_on)', -1) }}, {{ as_of() }}),
            {{ add_days('max(sold.date)', 28) }},
            {{ as_of() }}
        ) as last_day
    from sold
    left join locations on sold.location_id = locations.location_id
    group by sold.location_id, locations.region

),

trading_days as (

    select distinct date from sold

),

grid as (

    select
        lives.location_id,
        lives.region,
        trading_days.date,
        {{ iso_weekday('trading_days.date') }} as weekday,
        case when sold.date is null then 0 else 1 end as is_sold,
        cast(coalesce(sold.products, 0) as double) as products,
        sold.units_qty,
        sold.net_amount
    from lives
    inner join trading_days on trading_days.date between lives.first_day and lives.last_day
    left join sold
        on
            lives.location_id = sold.location_id
            and trading_days.date = sold.date

),

-- the same weekday of the 13 weeks before and after, the day itself left out
weekdays as (

    select
        *,
        count(*) over near_weekdays - 1 as weekdays_known,
        sum(is_sold) over near_weekdays - is_sold as weekdays_sold,
        sum(products) over near_weekdays - products as products_sum,
        sum(products * products) over near_weekdays - products * products as products_squares,
        avg(units_qty) over near_weekdays as usual_units_qty,
        avg(net_amount) over near_weekdays as usual_amount
    from grid
    window near_weekdays as (
        partition by location_id, weekday
        order by date
        rows between 13 preceding and 13 following
    )

),

spread as (

    select
        *,
        products_sum / weekdays_known as usual_products,
        (products_squares - products_sum * products_sum / weekdays_known) / (weekdays_known - 1) as products_variance
    from weekdays
    where weekdays_known >= 8 and products_sum > 0

),

-- P(0) of the negative binomial with this mean and variance (moments); of the Poisson where it varies less than that
judged as (

    select
        *,
        exp(
            case
                when products_variance > usual_products
                    then
                        usual_products * usual_products / (products_variance - usual_products)
                        * ln(usual_products / products_variance)
                else -usual_products
            end
        ) as chance
    from spread

),

-- days in a row without a sale: days between two sales, numbered by the sales before them
gaps as (

    select
        *,
        sum(is_sold) over (
            partition by location_id
            order by date
            rows between unbounded preceding and current row
        ) as sales_before
    from grid

),

gap_lengths as (

    select
        location_id,
        sales_before,
        count(*) as days_in_a_row
    from gaps
    where is_sold = 0
    group by location_id, sales_before

),

-- of the other places that sell on such a day, most do: else the company, or a region's holiday, was closed
others as (

    select
        date,
        count(*) as places_expected,
        sum(is_sold) as places_sold
    from judged
    where chance <= {{ var('missing_till_max_chance') }}
    group by date

),

-- shut in another year on the same day of the year: the place keeps that day as a holiday
shut_days as (

    select distinct
        location_id,
        extract(month from date) as month,
        extract(day from date) as day_of_month,
        extract(year from date) as year
    from grid
    where is_sold = 0

),

missing as (

    select
        judged.*,
        gap_lengths.days_in_a_row,
        others.places_expected - 1 as other_places,
        others.places_sold as other_places_sold
    from judged
    inner join gaps
        on
            judged.location_id = gaps.location_id
            and judged.date = gaps.date
    inner join gap_lengths
        on
            gaps.location_id = gap_lengths.location_id
            and gaps.sales_before = gap_lengths.sales_before
    inner join others on judged.date = others.date
    where
        judged.is_sold = 0
        and judged.chance <= {{ var('missing_till_max_chance') }}
        and gap_lengths.days_in_a_row <= {{ var('missing_till_max_days') }}
        and others.places_expected > 1
        and others.places_sold >= 0.5 * (others.places_expected - 1)

),

holidays as (

    select
        missing.location_id,
        missing.date
    from missing
    inner join shut_days
        on
            missing.location_id = shut_days.location_id
            and extract(month from missing.date) = shut_days.month
            and extract(day from missing.date) = shut_days.day_of_month
            and extract(year from missing.date) <> shut_days.year
    union
    select
        missing.location_id,
        missing.date
    from missing
    inner join events
        on
            missing.date = events.date
            and coalesce(events.region, missing.region, '*') = coalesce(missing.region, '*')

),

final as (

    select
        missing.location_id,
        missing.date,
        cast(missing.weekdays_known as integer) as weekdays_known,
        cast(missing.weekdays_sold as integer) as weekdays_sold,
        cast(missing.other_places as integer) as other_places,
        cast(missing.other_places_sold as integer) as other_places_sold,
        cast(missing.days_in_a_row as integer) as days_in_a_row,
        missing.chance,
        missing.usual_products,
        missing.usual_units_qty,
        missing.usual_amount
    from missing
    left join holidays
        on
            missing.location_id = holidays.location_id
            and missing.date = holidays.date
    where holidays.location_id is null

)

select * from final
