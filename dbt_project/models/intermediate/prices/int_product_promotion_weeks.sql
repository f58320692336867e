with promotion_pairs as (

    select * from {{ ref('int_promotion_pairs') }}

),

shares as (

    select * from {{ ref('int_product_location_shares') }}

),

price_weeks as (

    select * from {{ ref('int_product_price_weeks') }}

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

-- a week counts where its middle is on promotion; a pair once a mechanic
on_promotion as (

    select distinct
        shares.sku_location_key,
        shares.sku_id,
        shares.share,
        weeks.week_start,
        promotions.mechanic
    from promotion_pairs
    inner join promotions on promotion_pairs.promotion_id = promotions.promotion_id
    inner join shares on promotion_pairs.sku_location_key = shares.sku_location_key
    inner join weeks
        on
            shares.sku_id = weeks.sku_id
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
