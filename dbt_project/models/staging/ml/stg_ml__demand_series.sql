with final as (

    select
        series_id,
        sku_id,
        location_id,
        is_pooled
    from {{ source('ml', 'demand_series') }}

)

select * from final
