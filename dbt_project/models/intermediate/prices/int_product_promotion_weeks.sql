{%- set history_days = 728 %}
with promotion_pairs as (

    select * from {{ ref('int_promotion_pairs') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

price_weeks as (

    select * from {{ ref('int_product_price_weeks') }}

),

sales as (

    select * from {{ ref('int_sales_daily') }}

),

promotions as (

    select * from {{ ref('stg_erp__promotions') }}

),

weeks as (

    select distinct
        sku_id,
        week_start
    from price_weeks

),

skus as (

    select distinct sku_id from weeks

),

pair_units as (

    select
        sales.sku_location_key,
        sku_locations.sku_id,
        sum(sales.units_qty) as units_qty
    from sales
    inner join sku_locations on sales.sku_location_key = sku_locations.sku_location_key
    inner join skus on sku_locations.sku_id = skus.sku_id
    where sales.date >= {{ add_days(as_of(), -history_days) }}
    group by sales.sku_location_key, sku_locations.sku_id

),

pair_shares as (

    select
        sku_location_key,
        sku_id,
        cast(units_qty as double) / sum(units_qty) over (partition by sku_id) as share
    from pair_units
    where units_qty > 0

),

-- a week counts where its middle is on promotion; a pair once a mechanic
on_promotion as (

    select distinct
        pair_shares.sku_location_key,
        pair_shares.sku_id,
        pair_shares.share,
        weeks.week_start,
        promotions.mechanic
    from promotion_pairs
    inner join promotions on promotion_pairs.promotion_id = promotions.promotion_id
    inner join pair_shares on promotion_pairs.sku_location_key = pair_shares.sku_location_key
    inner join weeks
        on
            pair_shares.sku_id = weeks.sku_id
            and {{ add_days('weeks.week_start', 3) }} >= promotion_pairs.starts_on
            and {{ add_days('weeks.week_start', 3) }} <= promotion_pairs.ends_on
    where promotions.mechanic is not null

),

final as (

    select
        sku_id,
        week_start,
        mechanic,
        cast(round(sum(share), 6) as double) as promoted_share
    from on_promotion
    group by sku_id, week_start, mechanic

)

select * from final
