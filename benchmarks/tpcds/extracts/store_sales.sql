-- what a till would export: the surrogate keys of the warehouse become the ids and times that they stand for
select
    ss_ticket_number,
    ss_item_sk,
    d_date + to_seconds(coalesce(t_time, 0)) as sold_at,
    s_store_id,
    i_item_id,
    c_customer_id,
    p_promo_id,
    ss_quantity,
    ss_list_price,
    ss_ext_discount_amt,
    ss_net_paid
from store_sales
left join date_dim on ss_sold_date_sk = d_date_sk
left join time_dim on ss_sold_time_sk = t_time_sk
left join store on ss_store_sk = s_store_sk
left join item on ss_item_sk = i_item_sk
left join customer on ss_customer_sk = c_customer_sk
left join promotion on ss_promo_sk = p_promo_sk
order by ss_ticket_number, ss_item_sk
