with final as (

    select
        source,
        customer_id,
        unified_customer_id,
        cluster_size
    from {{ source('identity', 'customer_accounts') }}

)

select * from final
