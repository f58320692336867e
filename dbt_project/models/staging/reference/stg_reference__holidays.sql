with final as (

    select
        date,
        holiday_name,
        country,
        subdivision,
        region
    from {{ source('reference', 'holidays') }}

)

select * from final
