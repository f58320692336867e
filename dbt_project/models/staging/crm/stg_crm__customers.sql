with customers as (

    select
        customer_id,
        _source as source,
        full_name,
        phone,
        email,
        birth_date,
        gender,
        city,
        member_tier,
        coalesce(
            {{ utc_to_local('registered_at_utc', company_zone()) }},
            registered_at
        ) as registered_at,
        marketing_consent
    from {{ source('feeds', 'crm_customers') }}

),

final as (

    select *
    from customers
    where registered_at is null or {{ known_on_as_of('cast(registered_at as date)') }}

)

select * from final
