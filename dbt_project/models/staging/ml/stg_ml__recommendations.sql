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
