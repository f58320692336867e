{%- set sums = ['units_qty', 'returns_qty', 'net_amount', 'sales_amount', 'discount_amount', 'line_count',
    'cost_amount', 'margin_amount', 'costed_net_amount'] %}
{%- set counts = ['lead_transaction_count', 'identified_transaction_count', 'customer_count', 'new_customer_count',
    'location_count'] %}
with sales as (

    select * from {{ ref('int_sku_channel_daily') }}

),

receipts as (

    select * from {{ ref('int_receipt_departments') }}

),

calendar as (

    select * from {{ ref('dim_date') }}

),

sold as (

    select
        sales.channel,
        calendar.week_start,
        {{ metrics(sums) }}
    from sales
    inner join calendar on sales.date = calendar.date
    group by sales.channel, calendar.week_start

),

-- one row a receipt
transactions as (

    select
        receipts.channel,
        calendar.week_start,
        receipts.sold_on,
        receipts.location_id,
        receipts.customer_id
    from receipts
    inner join calendar on receipts.sold_on = calendar.date
    where receipts.is_lead

),

-- a customer is new once, in the channel of the first receipt: the first by name of the same day
first_receipts as (

    select
        channel,
        week_start,
        customer_id,
        row_number() over (partition by customer_id order by sold_on, channel) as receipt_number
    from transactions
    where customer_id is not null

),

newcomers as (

    select
        channel,
        week_start,
        count(*) as new_customer_count
    from first_receipts
    where receipt_number = 1
    group by channel, week_start

),

counted as (

    select
        channel,
        week_start,
        count(*) as lead_transaction_count,
        count(customer_id) as identified_transaction_count,
        count(distinct customer_id) as customer_count,
        count(distinct location_id) as location_count
    from transactions
    group by channel, week_start

),

joined as (

    select
        sold.*,
        counted.lead_transaction_count,
        counted.identified_transaction_count,
        counted.customer_count,
        counted.location_count,
        coalesce(newcomers.new_customer_count, 0) as new_customer_count
    from sold
    inner join counted
        on
            sold.channel = counted.channel
            and sold.week_start = counted.week_start
    left join newcomers
        on
            sold.channel = newcomers.channel
            and sold.week_start = newcomers.week_start

),

final as (

    select
        channel,
        week_start,
        {{ add_days('week_start', 6) }} <= {{ as_of() }} as is_complete,
        {{ metrics(sums) }},
        {{ metrics(counts) }},
        {{ metrics(['gross_margin_pct', 'discount_pct', 'return_pct', 'basket_amount', 'basket_qty', 'identified_pct',
            'sales_per_place_amount']) }}
    from joined
    group by channel, week_start

)

select * from final
