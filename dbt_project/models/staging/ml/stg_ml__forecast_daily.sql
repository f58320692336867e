with final as (

    select
        sku_id,
        location_id,
        date,
        mean as mean_qty
    from {{ source('ml', 'forecast_daily') }}

)

select * from final
