select
    cr_order_number,
    cr_item_sk,
    d_date + to_seconds(coalesce(t_time, 0)) as returned_at,
    cc_call_center_id,
    i_item_id,
    c_customer_id,
    cr_return_quantity,
    cr_return_amount
from catalog_returns
left join date_dim on cr_returned_date_sk = d_date_sk
left join time_dim on cr_returned_time_sk = t_time_sk
left join call_center on cr_call_center_sk = cc_call_center_sk
left join item on cr_item_sk = i_item_sk
left join customer on cr_refunded_customer_sk = c_customer_sk
order by cr_order_number, cr_item_sk
