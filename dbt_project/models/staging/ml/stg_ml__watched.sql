with final as (

    select
        alert_type,
        sku_id,
        location_id,
        date,
        measured_value,
        threshold,
        money_at_risk,
        explanation
    from {{ source('ml', 'watched') }}

)

select * from final
