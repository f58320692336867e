-- source
-- a line counts when it has a date, a quantity and an amount
with sales as (
    select 'store' as channel, ss_sold_date_sk as date_sk, ss_item_sk as item_sk, ss_promo_sk as promo_sk,
        ss_customer_sk as customer_sk, ss_quantity as quantity, ss_net_paid as paid, ss_ext_discount_amt as discount
    from store_sales
    union all
    select 'web', ws_sold_date_sk, ws_item_sk, ws_promo_sk, ws_bill_customer_sk, ws_quantity, ws_net_paid,
        ws_ext_discount_amt
    from web_sales
    union all
    select 'catalog', cs_sold_date_sk, cs_item_sk, cs_promo_sk, cs_bill_customer_sk, cs_quantity, cs_net_paid,
        cs_ext_discount_amt
    from catalog_sales
),
counted as (
    select * from sales where date_sk is not null and quantity is not null and paid is not null
)
select channel, sum(paid) as amount from counted group by channel order by channel

-- marts
select channel, sum(net_amount) as amount
from marts.fct_sales where not is_return group by channel order by channel
