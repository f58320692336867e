with final as (

    select
        date,
        event_name,
        event_type,
        region
    from {{ source('feeds', 'erp_events') }}

)

select * from final
