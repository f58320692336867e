select
    cs_order_number,
    cs_item_sk,
    d_date + to_seconds(coalesce(t_time, 0)) as sold_at,
    cc_call_center_id,
    w_warehouse_id,
    i_item_id,
    c_customer_id,
    p_promo_id,
    cs_quantity,
    cs_list_price,
    cs_ext_discount_amt,
    cs_net_paid
from catalog_sales
left join date_dim on cs_sold_date_sk = d_date_sk
left join time_dim on cs_sold_time_sk = t_time_sk
left join call_center on cs_call_center_sk = cc_call_center_sk
left join warehouse on cs_warehouse_sk = w_warehouse_sk
left join item on cs_item_sk = i_item_sk
left join customer on cs_bill_customer_sk = c_customer_sk
left join promotion on cs_promo_sk = p_promo_sk
order by cs_order_number, cs_item_sk
