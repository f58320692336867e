with final as (

    select
        source,
        customer_id,
        unified_customer_id,
        is_known
    from {{ source('identity', 'customer_ids') }}

)

select * from final
