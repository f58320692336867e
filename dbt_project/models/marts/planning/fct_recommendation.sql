with recommended as (

    select * from {{ ref('stg_ml__recommendations') }}

),

executed as (

    select * from {{ ref('int_recommendations_executed') }}

),

final as (

    select
        recommended.recommendation_id,
        recommended.list,
        recommended.as_of,
        recommended.sku_id,
        recommended.location_id,
        recommended.supplier_id,
        recommended.from_location_id,
        recommended.act_on,
        recommended.recommended_qty,
        recommended.value_amount,
        recommended.stockout_on,
        recommended.expected_lost_qty,
        recommended.expected_lost_amount,
        recommended.withheld_reason,
        recommended.decision_state,
        recommended.decided_qty,
        recommended.decided_by,
        recommended.decision_note,
        recommended.problem,
        executed.executed_on,
        executed.executed_qty,
        executed.received_qty,
        case
            when recommended.withheld_reason is not null and executed.is_as_decided is null then 'withheld'
            -- the time in which it may still be carried out is not over
            when
                executed.is_as_decided is null
                and {{ as_of() }} < coalesce(
                    recommended.acts_until,
                    {{ add_days('recommended.act_on', 'cast(greatest(recommended.review_days, 1) as integer)') }}
                )
                then 'pending'
            when
                executed.is_as_decided is null
                and recommended.recommended_price is not null
                and recommended.list <> 'promotion_plan'
                and executed.executed_price is null
                then 'not known'
            when executed.is_as_decided is null then 'not executed'
            when executed.is_as_decided then 'executed as decided'
            else 'executed otherwise'
        end as outcome,
        recommended.channel,
        recommended.member_tier,
        recommended.action,
        recommended.acts_until,
        recommended.current_price,
        recommended.recommended_price,
        executed.executed_price,
        recommended.expected_gain_amount
    from recommended
    left join executed on recommended.recommendation_id = executed.recommendation_id

)

select * from final
