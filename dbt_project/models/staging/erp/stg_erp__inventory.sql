with final as (

    select
        snapshot_date,
        location_id,
        sku_id,
        on_hand_qty,
        reserved_qty,
        unit_cost
    from {{ source('feeds', 'erp_inventory') }}
    where {{ known_on_as_of('snapshot_date') }}

)

select * from final
