with final as (

    select
        sku_id,
        location_id,
        week_start,
        days_covered,
        mean as mean_qty
    from {{ source('ml', 'forecast_weekly') }}

)

select * from final
