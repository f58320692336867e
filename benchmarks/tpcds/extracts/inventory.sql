select
    d_date,
    w_warehouse_id,
    i_item_id,
    inv_quantity_on_hand
from inventory
left join date_dim on inv_date_sk = d_date_sk
left join warehouse on inv_warehouse_sk = w_warehouse_sk
left join item on inv_item_sk = i_item_sk
order by d_date, w_warehouse_id, i_item_id
