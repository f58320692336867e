with weeks as (

    select * from {{ ref('int_product_weeks') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

products as (

    select * from {{ ref('stg_erp__products') }}

),

records as (

    select
        min(first_sold_on) as first_day,
        min(week_start) as first_week
    from weeks

),

first_sales as (

    select
        product_key,
        min(first_sold_on) as first_sold_on,
        min(week_start) as first_week
    from weeks
    group by product_key

),

product_keys as (

    select
        sku_id,
        min(sku_location_key) as product_key
    from sku_locations
    group by sku_id

),

successors as (

    select
        supersedes_sku_id as sku_id,
        min(launched_on) as succeeded_on
    from products
    where supersedes_sku_id is not null
    group by supersedes_sku_id

),

all_ids as (

    select sku_id from product_keys
    union
    select sku_id from products

),

lives as (

    select
        all_ids.sku_id,
        product_keys.product_key,
        first_sales.first_week,
        least(
            coalesce(products.launched_on, first_sales.first_sold_on),
            coalesce(first_sales.first_sold_on, products.launched_on)
        ) as first_day,
        -- sold when the records begin and no launch date: nobody knows how old it is, so it is no introduction
        products.launched_on is not null
        or first_sales.first_sold_on >= {{ add_days('records.first_day', var('introduction_days')) }} as is_age_known,
        least(
            coalesce({{ add_days('products.discontinued_on', '-' ~ var('phase_out_days')) }}, successors.succeeded_on),
            coalesce(successors.succeeded_on, {{ add_days('products.discontinued_on', '-' ~ var('phase_out_days')) }})
        ) as phase_out_on
    from all_ids
    cross join records
    left join product_keys on all_ids.sku_id = product_keys.sku_id
    left join first_sales on product_keys.product_key = first_sales.product_key
    left join products on all_ids.sku_id = products.sku_id
    left join successors on all_ids.sku_id = successors.sku_id

),

-- the ends of all months since the records began, and the business day
month_starts as (

    select distinct {{ month_start('day') }} as month_start
    from (
        select {{ days_between('first_day', as_of()) }} as day
        from records
        where first_day is not null
    )

),

evaluation_days as (

    select {{ add_days('month_starts.month_start', -1) }} as evaluated_on
    from month_starts
    cross join records
    where month_starts.month_start > records.first_day
    union
    select {{ as_of() }} as evaluated_on

),

evaluations as (

    select
        evaluated_on,
        -- the last whole week
        {{ add_days(week_start(add_days('evaluated_on', 1)), -7) }} as last_week
    from evaluation_days

),

calendar_weeks as (

    select distinct {{ week_start('day') }} as week_start
    from (
        select {{ days_between('first_week', as_of()) }} as day
        from records
        where first_week is not null
    )

),

-- every week of a product from its first to the last whole one, those without a sale too
all_weeks as (

    select
        first_sales.product_key,
        calendar_weeks.week_start
    from first_sales
    inner join calendar_weeks on first_sales.first_week <= calendar_weeks.week_start

),

-- sums from a product's first week on: any stretch of weeks is then one subtraction
running as (

    select
        all_weeks.product_key,
        all_weeks.week_start,
        sum(coalesce(weeks.units_qty, 0)) over so_far as units_so_far,
        sum(coalesce(weeks.units_qty * weeks.units_qty, 0)) over so_far as squares_so_far,
        sum(coalesce(weeks.net_amount, 0)) over so_far as amount_so_far,
        row_number() over so_far as weeks_so_far
    from all_weeks
    left join weeks
        on
            all_weeks.product_key = weeks.product_key
            and all_weeks.week_start = weeks.week_start
    window
        so_far as (
            partition by all_weeks.product_key
            order by all_weeks.week_start
            rows between unbounded preceding and current row
        )

),

stretches as (

    select
        product_key,
        week_start,
        weeks_so_far,
        units_so_far - lag(units_so_far, 13, 0) over by_week as units_last_13,
        -- the same 13 weeks of the year before, where the product is old enough; else the 13 weeks before
        case
            when weeks_so_far >= 65 then lag(units_so_far, 52, 0) over by_week - lag(units_so_far, 65, 0) over by_week
            when weeks_so_far >= 26 then lag(units_so_far, 13, 0) over by_week - lag(units_so_far, 26, 0) over by_week
        end as units_compared,
        units_so_far - lag(units_so_far, 52, 0) over by_week as units_last_52,
        squares_so_far - lag(squares_so_far, 52, 0) over by_week as squares_last_52,
        amount_so_far - lag(amount_so_far, 52, 0) over by_week as amount_last_52
    from running
    window by_week as (partition by product_key order by week_start)

),

measured as (

    select
        lives.sku_id,
        lives.first_day,
        lives.is_age_known,
        lives.phase_out_on,
        evaluations.evaluated_on,
        coalesce(stretches.units_last_13, 0) as units_last_13,
        stretches.units_compared,
        stretches.units_last_52,
        stretches.squares_last_52,
        coalesce(stretches.amount_last_52, 0) as amount_last_52,
        least(52, coalesce(stretches.weeks_so_far, 0)) as weeks_measured
    from lives
    inner join evaluations on lives.first_day <= evaluations.evaluated_on
    left join stretches
        on
            lives.product_key = stretches.product_key
            and evaluations.last_week = stretches.week_start

),

averaged as (

    select
        *,
        cast(units_last_52 as double) / nullif(weeks_measured, 0) as weekly_mean,
        cast(squares_last_52 as double) / nullif(weeks_measured, 0) as weekly_mean_square
    from measured

),

final as (

    select
        sku_id,
        evaluated_on,
        first_day,
        is_age_known,
        phase_out_on,
        cast(amount_last_52 as decimal(18, 2)) as amount_364_days,
        cast(units_last_13 as decimal(18, 3)) as units_91_days,
        cast(units_compared as decimal(18, 3)) as units_91_days_compared,
        case
            when weeks_measured >= 13
                then sqrt(greatest(weekly_mean_square - weekly_mean * weekly_mean, 0)) / nullif(weekly_mean, 0)
        end as weekly_variation
    from averaged

)

select * from final
