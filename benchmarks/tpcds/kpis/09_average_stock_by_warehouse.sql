-- source
select w_warehouse_id as warehouse, count(inv_quantity_on_hand) as counts, sum(inv_quantity_on_hand) as units,
    cast(avg(inv_quantity_on_hand) as decimal(18, 4)) as average_stock
from inventory inner join warehouse on inv_warehouse_sk = w_warehouse_sk
where inv_quantity_on_hand is not null group by w_warehouse_id order by w_warehouse_id

-- marts
select replace(location_id, 'H-', '') as warehouse, count(*) as counts, sum(on_hand_qty) as units,
    cast(avg(on_hand_qty) as decimal(18, 4)) as average_stock
from marts.fct_inventory_daily where not is_estimated group by location_id order by location_id
