with final as (

    select
        promotion_id,
        name as promotion_name,
        mechanic,
        depth,
        threshold as threshold_amount,
        budget as budget_amount,
        starts_on,
        ends_on
    from {{ source('feeds', 'erp_promotions') }}

)

select * from final
