with decisions as (

    select
        sku_id,
        location_id,
        date,
        lower(trim(decision)) as decision,
        quantity,
        decided_by,
        note
    from {{ source('feeds', 'decisions_review') }}

),

final as (

    select
        sku_id,
        location_id,
        date,
        decision,
        -- what cannot be followed is kept and shown, and changes nothing
        decision in ('keep', 'ignore')
        or coalesce(decision = 'replace' and quantity >= 0, false) as is_valid,
        quantity,
        decided_by,
        note
    from decisions

)

select * from final
