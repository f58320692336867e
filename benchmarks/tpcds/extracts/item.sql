-- every version of every item, the newest last: the declaration keeps that one
select
    i_item_id,
    i_product_name,
    i_category,
    i_class,
    i_brand,
    i_manufact,
    i_units,
    i_current_price,
    i_wholesale_cost
from item
order by i_item_id, i_rec_start_date
