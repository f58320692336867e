with customers as (

    select * from {{ ref('stg_crm__customers') }}

),

-- no names, phones, mails, birth dates: what stands in the marts is read by many
final as (

    select
        customer_id,
        source,
        city,
        member_tier,
        registered_at,
        marketing_consent
    from customers

)

select * from final
