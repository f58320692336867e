with final as (

    select
        recommendation_id,
        list,
        as_of,
        is_tonight,
        sku_id,
        location_id,
        supplier_id,
        from_location_id,
        act_on,
        recommended_qty,
        value_amount,
        review_days,
        order_multiple,
        min_order_qty,
        channel,
        member_tier,
        action,
        acts_until,
        current_price,
        recommended_price,
        protection_days,
        position_qty,
        source_position_qty,
        unit_cost,
        unit_margin,
        source_unit_margin,
        cost_amount,
        expected_gain_amount,
        expected_28_qty,
        expected_91_qty,
        stockout_on,
        expected_lost_qty,
        expected_lost_amount,
        withheld_reason,
        decision_state,
        decided_qty,
        decided_by,
        decision_note,
        problem
    from {{ source('ml', 'recommendations') }}

)

select * from final
