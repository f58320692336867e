select
    w_warehouse_id,
    w_warehouse_name,
    w_state
from warehouse
order by w_warehouse_id
