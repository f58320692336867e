{{ config(materialized='view') }}

with sales as (

    select * from {{ ref('fct_sales') }}

),

final as (

    select
        source,
        transaction_id,
        line_number,
        sold_at as returned_at,
        sold_on as returned_on,
        channel,
        location_id,
        fulfilled_from_location_id,
        sku_id,
        customer_id,
        promotion_id,
        cast(-quantity as decimal(18, 3)) as returns_qty,
        cast(-net_amount as decimal(18, 2)) as returned_amount
    from sales
    where is_return

)

select * from final
