-- source
-- a line counts when it has a date, a quantity and an amount
with lines as (
    select 'store' as channel, ss_sold_date_sk as date_sk, ss_item_sk as item_sk, ss_customer_sk as customer_sk,
        ss_quantity as quantity, ss_net_paid as paid
    from store_sales
    union all
    select 'web', ws_sold_date_sk, ws_item_sk, ws_bill_customer_sk, ws_quantity, ws_net_paid from web_sales
    union all
    select 'catalog', cs_sold_date_sk, cs_item_sk, cs_bill_customer_sk, cs_quantity, cs_net_paid from catalog_sales
    union all
    select 'store', sr_returned_date_sk, sr_item_sk, sr_customer_sk, -sr_return_quantity, -sr_return_amt
    from store_returns
    union all
    select 'web', wr_returned_date_sk, wr_item_sk, wr_refunded_customer_sk, -wr_return_quantity, -wr_return_amt
    from web_returns
    union all
    select 'catalog', cr_returned_date_sk, cr_item_sk, cr_refunded_customer_sk, -cr_return_quantity, -cr_return_amount
    from catalog_returns
),
counted as (
    select * from lines where date_sk is not null and quantity is not null and paid is not null
)
select d_year as year, sum(paid) as net_amount
from counted inner join date_dim on date_sk = d_date_sk group by d_year order by d_year

-- marts
select calendar.year, sum(sales.net_amount) as net_amount
from marts.fct_sales as sales inner join marts.dim_date as calendar on sales.sold_on = calendar.date
group by calendar.year order by calendar.year
