select
    cc_call_center_id,
    cc_name,
    cc_state
from call_center
order by cc_call_center_id, cc_rec_start_date
