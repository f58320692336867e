with slow_movers as (

    select * from {{ ref('mart_slow_movers') }}

),

count_list as (

    select * from {{ ref('mart_count_list') }}

),

missing_tills as (

    select * from {{ ref('mart_missing_till_days') }}

),

review_queue as (

    select * from {{ ref('mart_review_queue') }}

),

recommended as (

    select * from {{ ref('stg_ml__recommendations') }}

),

watched as (

    select * from {{ ref('stg_ml__watched') }}

),

-- the stock is too little and nothing is ordered: somebody has to look
stockouts as (

    select
        'stockout_without_order' as alert_type,
        sku_id,
        location_id,
        cast(null as date) as date,
        expected_lost_qty as measured_value,
        cast(0 as double) as threshold,
        expected_lost_amount as money_at_risk,
        'no order is proposed (' || withheld_reason || '); without one '
        || cast(round(expected_lost_qty, 1) as varchar) || ' units are expected to be lost'
        || coalesce(', out of stock from ' || cast(stockout_on as varchar), '') as explanation
    from recommended
    where is_tonight and withheld_reason is not null and expected_lost_amount > 0

),

slow as (

    select
        rule as alert_type,
        sku_id,
        location_id,
        cast(null as date) as date,
        measured_value,
        threshold,
        cast(money_at_risk as double) as money_at_risk,
        explanation
    from slow_movers
    where is_main

),

counts as (

    select
        'stock_record_doubted' as alert_type,
        sku_id,
        location_id,
        snapshot_date as date,
        cast(doubted_qty as double) as measured_value,
        cast(0 as double) as threshold,
        cast(money_at_risk as double) as money_at_risk,
        cast(doubted_qty as varchar) || ' units of the stock record are doubted (' || rule || '): count them'
            as explanation
    from count_list

),

tills as (

    select
        'tills_missing' as alert_type,
        cast(null as varchar) as sku_id,
        location_id,
        date,
        usual_units_qty as measured_value,
        cast(0 as double) as threshold,
        cast(usual_amount as double) as money_at_risk,
        'no sales from this place on ' || cast(date as varchar) || ', which usually sells '
        || cast(round(usual_units_qty, 0) as varchar) || ' units: deliver its extracts again' as explanation
    from missing_tills
    where date > {{ add_days("cast('" ~ var('as_of') ~ "' as date)", -7) }}

),

doubted_days as (

    select
        'sales_doubted' as alert_type,
        sku_id,
        location_id,
        date,
        ratio as measured_value,
        threshold_ratio as threshold,
        cast(amount_in_doubt as double) as money_at_risk,
        why as explanation
    from review_queue
    where
        decision is null
        and date > {{ add_days("cast('" ~ var('as_of') ~ "' as date)", -28) }}

),

found as (

    select * from stockouts
    union all
    select * from slow
    union all
    select * from counts
    union all
    select * from tills
    union all
    select * from doubted_days
    union all
    select
        alert_type,
        sku_id,
        location_id,
        date,
        measured_value,
        threshold,
        money_at_risk,
        explanation
    from watched

),

final as (

    select
        alert_type || ':' || coalesce(sku_id, '') || ':' || location_id || ':' || coalesce(cast(date as varchar), '')
            as alert_id,
        cast('{{ var("as_of") }}' as date) as as_of,
        alert_type,
        -- what loses sales or blinds the forecast comes before stock that lies too long
        case
            when alert_type in ('stockout_without_order', 'tills_missing') then 'high'
            when alert_type in ('stock_record_doubted', 'sales_doubted', 'possible_diversion', 'new_product_hit')
                then 'medium'
            when alert_type like 'feedback_theme_jump_%' then 'medium'
            else 'low'
        end as severity,
        sku_id,
        location_id,
        date,
        measured_value,
        threshold,
        money_at_risk,
        explanation
    from found

)

select * from final
