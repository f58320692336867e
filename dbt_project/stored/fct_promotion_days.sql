{# The view of the model of this name, in marts.duckdb: written out it would be 23.6 million rows of the demo. #}
create or replace view fct_promotion_days as
select
    promotion_id,
    sku_id,
    location_id,
    cast(unnest(generate_series(starts_on, ends_on, interval 1 day)) as date) as date
from fct_promotion_periods
