{{ config(materialized='view') }}

with sales as (

    select * from {{ ref('stg_pos__sales') }}

),

final as (

    select
        transaction_id,
        line_number,
        source,
        sold_at,
        sold_on,
        channel,
        location_id,
        fulfilled_from_location_id,
        sku_id,
        customer_id,
        quantity,
        net_amount,
        unit_price,
        discount_amount,
        promotion_id,
        quantity < 0 as is_return,
        source_file_id,
        source_line
    from sales

)

select * from final
