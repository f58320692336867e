select
    s_store_id,
    s_store_name,
    s_state
from store
order by s_store_id, s_rec_start_date
