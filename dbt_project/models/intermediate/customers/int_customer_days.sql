with sales as (

    select * from {{ ref('stg_pos__sales') }}

),

receipts as (

    select
        customer_id,
        sold_on,
        source,
        transaction_id,
        sum(case when quantity > 0 then quantity else 0 end) as units_qty,
        sum(case when quantity < 0 then -quantity else 0 end) as returns_qty,
        sum(net_amount) as net_amount
    from sales
    where customer_id is not null
    group by customer_id, sold_on, source, transaction_id

),

final as (

    select
        customer_id,
        sold_on as date,
        count(case when units_qty > 0 then 1 end) as receipt_count,
        cast(sum(units_qty) as decimal(18, 3)) as units_qty,
        cast(sum(returns_qty) as decimal(18, 3)) as returns_qty,
        cast(sum(net_amount) as decimal(18, 2)) as net_amount
    from receipts
    group by customer_id, sold_on

)

select * from final
