select
    ws_order_number,
    ws_item_sk,
    d_date + to_seconds(coalesce(t_time, 0)) as sold_at,
    web_site_id,
    w_warehouse_id,
    i_item_id,
    c_customer_id,
    p_promo_id,
    ws_quantity,
    ws_list_price,
    ws_ext_discount_amt,
    ws_net_paid
from web_sales
left join date_dim on ws_sold_date_sk = d_date_sk
left join time_dim on ws_sold_time_sk = t_time_sk
left join web_site on ws_web_site_sk = web_site_sk
left join warehouse on ws_warehouse_sk = w_warehouse_sk
left join item on ws_item_sk = i_item_sk
left join customer on ws_bill_customer_sk = c_customer_sk
left join promotion on ws_promo_sk = p_promo_sk
order by ws_order_number, ws_item_sk
