with final as (

    select
        customer_id,
        repurchase_probability,
        expected_91_days_amount,
        expected_364_days_amount,
        probability_model,
        value_model,
        year_method
    from {{ source('ml', 'customer_value') }}

)

select * from final
