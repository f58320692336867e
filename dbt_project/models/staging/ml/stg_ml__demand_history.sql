with final as (

    select
        series_id,
        date,
        quantity as demand_qty,
        sales_qty,
        repair_rule
    from {{ source('ml', 'demand_history') }}

)

select * from final
