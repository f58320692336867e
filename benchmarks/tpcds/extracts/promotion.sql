select
    p_promo_id,
    p_promo_name,
    p_channel_dmail,
    p_cost,
    starts.d_date as starts_on,
    ends.d_date as ends_on,
    i_item_id
from promotion
left join date_dim as starts on p_start_date_sk = starts.d_date_sk
left join date_dim as ends on p_end_date_sk = ends.d_date_sk
left join item on p_item_sk = i_item_sk
order by p_promo_id
