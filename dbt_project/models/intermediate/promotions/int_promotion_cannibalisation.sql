with results as (

    select * from {{ ref('int_promotion_pair_results') }}

),

days as (

    select * from {{ ref('int_sku_location_days') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

active_spans as (

    select * from {{ ref('int_sku_locations_active') }}

),

-- places and categories that had a promotion worth measuring
concerned as (

    select distinct
        location_category_key,
        promotion_key,
        starts_on,
        ends_on
    from results
    where is_measured

),

concerned_pairs as (

    select distinct
        sku_locations.sku_location_key,
        sku_locations.location_category_key
    from sku_locations
    inner join active_spans on sku_locations.sku_location_key = active_spans.sku_location_key
    inner join concerned on sku_locations.location_category_key = concerned.location_category_key

),

-- the shelf of a day: what was on promotion, and what stood beside it with stock
shelf_days as (

    select
        concerned_pairs.location_category_key,
        days.date,
        count(case when not days.is_promoted and not coalesce(days.is_stockout, false) then 1 end) as regular_days,
        sum(case when not days.is_promoted and not coalesce(days.is_stockout, false) then days.net_amount end)
            as regular_net_amount,
        sum(case when not days.is_promoted and not coalesce(days.is_stockout, false) then days.margin_amount end)
            as regular_margin_amount,
        sum(case when days.is_promoted then days.net_amount else 0 end) as promoted_net_amount
    from days
    inner join concerned_pairs on days.sku_location_key = concerned_pairs.sku_location_key
    group by concerned_pairs.location_category_key, days.date

),

windows as (

    select
        concerned.promotion_key,
        concerned.location_category_key,
        shelf_days.date >= concerned.starts_on as is_during,
        sum(shelf_days.regular_days) as regular_days,
        cast(sum(shelf_days.regular_net_amount) as double) as regular_net_amount,
        cast(sum(shelf_days.regular_margin_amount) as double) as regular_margin_amount,
        cast(sum(shelf_days.promoted_net_amount) as double) as promoted_net_amount
    from concerned
    inner join shelf_days
        on
            concerned.location_category_key = shelf_days.location_category_key
            and shelf_days.date between {{ add_days('concerned.starts_on', -(var('promotion_baseline_days') | int)) }}
            and concerned.ends_on
    group by concerned.promotion_key, concerned.location_category_key, shelf_days.date >= concerned.starts_on

),

-- what a regular product sold less a day than before, on all the regular products' days of the promotion
dips as (

    select
        during.promotion_key,
        during.location_category_key,
        during.promoted_net_amount,
        during.regular_days * coalesce(before.regular_net_amount, 0) / nullif(before.regular_days, 0)
        - coalesce(during.regular_net_amount, 0) as net_amount,
        during.regular_days * coalesce(before.regular_margin_amount, 0) / nullif(before.regular_days, 0)
        - coalesce(during.regular_margin_amount, 0) as margin_amount
    from windows as during
    inner join windows as before
        on
            during.promotion_key = before.promotion_key
            and during.location_category_key = before.location_category_key
            and not before.is_during
    where during.is_during

),

-- shared out over everything that was on promotion there and then, by what it sold
final as (

    select
        results.promotion_key,
        results.sku_location_key,
        dips.net_amount * results.during_net_amount / nullif(dips.promoted_net_amount, 0) as net_amount,
        dips.margin_amount * results.during_net_amount / nullif(dips.promoted_net_amount, 0) as margin_amount
    from results
    inner join dips
        on
            results.promotion_key = dips.promotion_key
            and results.location_category_key = dips.location_category_key
    where results.is_measured

)

select * from final
