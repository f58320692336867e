with measured as (

    select * from {{ ref('int_recommendations_measured') }}

),

recommendations as (

    select * from {{ ref('fct_recommendation') }}

),

goods as (

    select * from {{ ref('int_goods_outcomes') }}

),

prices as (

    select * from {{ ref('int_price_outcomes') }}

),

products as (

    select * from {{ ref('dim_product') }}

),

final as (

    select
        measured.recommendation_id,
        cast(measured.horizon_days as integer) as horizon_days,
        measured.list,
        measured.as_of,
        {{ month_start('measured.as_of') }} as month_start,
        measured.sku_id,
        measured.location_id,
        products.department,
        products.category,
        measured.decision_state,
        measured.decided_by,
        recommendations.outcome,
        measured.is_counted,
        measured.measured_until,
        case
            when measured.measured_until > {{ as_of() }} then 'too early'
            else coalesce(goods.status, prices.status)
        end as status,
        measured.recommended_qty,
        measured.decided_qty,
        recommendations.executed_qty,
        measured.recommended_price,
        recommendations.executed_price,
        case
            when measured.horizon_days = 28 then measured.expected_28_qty else measured.expected_91_qty
        end as expected_qty,
        coalesce(goods.sold_qty, prices.sold_qty) as sold_qty,
        goods.lost_qty,
        goods.lost_margin_amount,
        goods.end_on_hand_qty,
        goods.short_qty,
        goods.hindsight_qty,
        coalesce(goods.sold_amount, prices.sold_amount) as sold_amount,
        coalesce(goods.expected_without_qty, prices.expected_without_qty) as expected_without_qty,
        coalesce(goods.expected_without_amount, prices.expected_without_amount) as expected_without_amount,
        -- what was expected of a price is of four weeks
        case
            when measured.list = 'price_recommendations' then measured.expected_gain_amount * measured.horizon_days / 28
            else measured.expected_gain_amount
        end as expected_gain_amount,
        goods.recommended_gain_amount,
        goods.decided_gain_amount,
        coalesce(goods.realised_gain_amount, prices.realised_gain_amount) as realised_gain_amount
    from measured
    inner join recommendations on measured.recommendation_id = recommendations.recommendation_id
    left join goods
        on measured.recommendation_id = goods.recommendation_id and measured.horizon_days = goods.horizon_days
    left join prices
        on measured.recommendation_id = prices.recommendation_id and measured.horizon_days = prices.horizon_days
    left join products on measured.sku_id = products.sku_id

)

select * from final
