with sales as (

    select * from {{ ref('stg_pos__sales') }}

),

products as (

    select * from {{ ref('stg_erp__products') }}

),

grouped as (

    select
        sales.source,
        sales.transaction_id,
        sales.location_id,
        sales.channel,
        sales.sold_on,
        coalesce(products.department, 'unknown') as department,
        max(sales.customer_id) as customer_id,
        sum(sales.net_amount) as net_amount
    from sales
    left join products on sales.sku_id = products.sku_id
    group by
        sales.source,
        sales.transaction_id,
        sales.location_id,
        sales.channel,
        sales.sold_on,
        coalesce(products.department, 'unknown')

),

final as (

    select
        source,
        transaction_id,
        location_id,
        channel,
        sold_on,
        department,
        -- of the whole receipt, whichever of its lines names the customer
        max(customer_id) over (
            partition by source, transaction_id, location_id, channel, sold_on
        ) as customer_id,
        cast(net_amount as decimal(18, 2)) as net_amount,
        -- by size: what a return took back leads a receipt as what a sale brought
        row_number() over (
            partition by source, transaction_id, location_id, channel, sold_on
            order by abs(net_amount) desc, department
        ) = 1 as is_lead
    from grouped

)

select * from final
