select
    sr_ticket_number,
    sr_item_sk,
    d_date + to_seconds(coalesce(t_time, 0)) as returned_at,
    s_store_id,
    i_item_id,
    c_customer_id,
    sr_return_quantity,
    sr_return_amt
from store_returns
left join date_dim on sr_returned_date_sk = d_date_sk
left join time_dim on sr_return_time_sk = t_time_sk
left join store on sr_store_sk = s_store_sk
left join item on sr_item_sk = i_item_sk
left join customer on sr_customer_sk = c_customer_sk
order by sr_ticket_number, sr_item_sk
