with customer_days as (

    select * from {{ ref('int_customer_days') }}

),

first_purchases as (

    select
        customer_id,
        {{ month_start('min(date)') }} as cohort_month
    from customer_days
    where units_qty > 0
    group by customer_id

),

cohorts as (

    select
        cohort_month,
        count(*) as cohort_customers
    from first_purchases
    group by cohort_month

),

records as (

    select min(cohort_month) as first_month
    from cohorts

),

months as (

    select distinct {{ month_start('day') }} as month_start
    from (
        select {{ days_between('first_month', as_of()) }} as day
        from records
        where first_month is not null
    )

),

activity as (

    select
        first_purchases.cohort_month,
        {{ month_start('customer_days.date') }} as month_start,
        count(distinct case when customer_days.units_qty > 0 then customer_days.customer_id end) as active_customers,
        sum(customer_days.receipt_count) as receipt_count,
        sum(customer_days.net_amount) as net_amount
    from customer_days
    inner join first_purchases on customer_days.customer_id = first_purchases.customer_id
    group by first_purchases.cohort_month, {{ month_start('customer_days.date') }}

),

-- every month of every cohort, those without a purchase too: a gap would read as "not yet"
final as (

    select
        cohorts.cohort_month,
        cast({{ months_from('cohorts.cohort_month', 'months.month_start') }} as integer) as months_since,
        months.month_start,
        cohorts.cohort_customers,
        coalesce(activity.active_customers, 0) as active_customers,
        cast(coalesce(activity.active_customers, 0) as double) / cohorts.cohort_customers as active_share,
        cast(coalesce(activity.receipt_count, 0) as bigint) as receipt_count,
        cast(coalesce(activity.net_amount, 0) as decimal(18, 2)) as net_amount,
        cast(coalesce(activity.net_amount, 0) / cohorts.cohort_customers as decimal(18, 2)) as net_amount_per_customer,
        cohorts.cohort_month = records.first_month as is_first_on_record,
        months.month_start = {{ month_start(as_of()) }}
        and {{ month_start(add_days(as_of(), 1)) }} = {{ month_start(as_of()) }} as is_under_way
    from cohorts
    cross join records
    inner join months on cohorts.cohort_month <= months.month_start
    left join activity
        on
            cohorts.cohort_month = activity.cohort_month
            and months.month_start = activity.month_start

)

select * from final
