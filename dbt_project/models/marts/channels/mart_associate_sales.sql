with lines as (

    select * from {{ ref('stg_pos__sales') }}

),

calendar as (

    select * from {{ ref('dim_date') }}

),

named as (

    select
        calendar.month_start,
        lines.location_id,
        lines.channel,
        lines.associate_id,
        lines.source,
        lines.transaction_id,
        lines.quantity,
        lines.net_amount,
        lines.discount_amount
    from lines
    inner join calendar on lines.sold_on = calendar.date
    where lines.associate_id is not null

),

summed as (

    select
        month_start,
        location_id,
        channel,
        associate_id,
        count(distinct case when quantity > 0 then (source, transaction_id) end) as receipt_count,
        sum(greatest(quantity, 0)) as units_qty,
        sum(greatest(-quantity, 0)) as returns_qty,
        sum(net_amount) as net_amount,
        sum(case when quantity > 0 then net_amount else 0 end) as sales_amount,
        sum(case when quantity > 0 then coalesce(discount_amount, 0) else 0 end) as discount_amount
    from named
    group by month_start, location_id, channel, associate_id

),

final as (

    select
        month_start,
        location_id,
        channel,
        associate_id,
        receipt_count,
        cast(units_qty as decimal(18, 3)) as units_qty,
        cast(returns_qty as decimal(18, 3)) as returns_qty,
        cast(net_amount as decimal(18, 2)) as net_amount,
        cast(discount_amount as decimal(18, 2)) as discount_amount,
        cast(sales_amount as double) / nullif(receipt_count, 0) as amount_per_receipt,
        cast(units_qty as double) / nullif(receipt_count, 0) as units_per_receipt,
        100 * cast(discount_amount as double)
        / nullif(cast(sales_amount + discount_amount as double), 0) as discount_pct,
        cast(net_amount as double)
        / nullif(cast(sum(net_amount) over (partition by month_start, location_id, channel) as double), 0)
            as share_of_place
    from summed

)

select * from final
