select
    wr_order_number,
    wr_item_sk,
    d_date + to_seconds(coalesce(t_time, 0)) as returned_at,
    web_site_id,
    i_item_id,
    c_customer_id,
    wr_return_quantity,
    wr_return_amt
from web_returns
left join date_dim on wr_returned_date_sk = d_date_sk
left join time_dim on wr_returned_time_sk = t_time_sk
-- a return names no site: that of its order
left join web_sales on wr_order_number = ws_order_number and wr_item_sk = ws_item_sk
left join web_site on ws_web_site_sk = web_site_sk
left join item on wr_item_sk = i_item_sk
left join customer on wr_refunded_customer_sk = c_customer_sk
order by wr_order_number, wr_item_sk
