with recommended as (

    select * from {{ ref('stg_ml__recommendations') }}

),

purchase_orders as (

    select * from {{ ref('fct_purchase_orders') }}

),

transfers as (

    select * from {{ ref('fct_transfers') }}

),

-- goods that were called for, by the source that was to send them
executed as (

    select
        supplier_id as source_id,
        'supplier' as source_type,
        location_id,
        sku_id,
        ordered_on as executed_on,
        ordered_qty as executed_qty,
        received_qty
    from purchase_orders
    where not is_cancelled
    union all
    select
        from_location_id as source_id,
        'place' as source_type,
        to_location_id as location_id,
        sku_id,
        shipped_on as executed_on,
        transfer_qty as executed_qty,
        case when received_on is not null then transfer_qty else 0 end as received_qty
    from transfers

),

-- from the night on until the next chance to order or move
followed as (

    select
        recommended.recommendation_id,
        min(executed.executed_on) as executed_on,
        sum(executed.executed_qty) as executed_qty,
        sum(executed.received_qty) as received_qty
    from recommended
    inner join executed
        on
            recommended.sku_id = executed.sku_id
            and recommended.location_id = executed.location_id
            and coalesce(recommended.supplier_id, recommended.from_location_id) = executed.source_id
            and case when recommended.supplier_id is null then 'place' else 'supplier' end = executed.source_type
            and recommended.as_of < executed.executed_on
            and executed.executed_on
            < {{ add_days('recommended.act_on', 'cast(greatest(recommended.review_days, 1) as integer)') }}
    group by recommended.recommendation_id

),

final as (

    select
        recommended.recommendation_id,
        recommended.list,
        recommended.as_of,
        recommended.sku_id,
        recommended.location_id,
        recommended.supplier_id,
        recommended.from_location_id,
        recommended.act_on,
        recommended.recommended_qty,
        recommended.value_amount,
        recommended.stockout_on,
        recommended.expected_lost_qty,
        recommended.expected_lost_amount,
        recommended.withheld_reason,
        recommended.decision_state,
        recommended.decided_qty,
        recommended.decided_by,
        recommended.decision_note,
        recommended.problem,
        followed.executed_on,
        cast(followed.executed_qty as double) as executed_qty,
        cast(followed.received_qty as double) as received_qty,
        case
            when recommended.withheld_reason is not null and followed.executed_qty is null then 'withheld'
            when
                followed.executed_qty is null
                and {{ add_days('recommended.act_on', 'cast(greatest(recommended.review_days, 1) as integer)') }}
                > cast('{{ var("as_of") }}' as date)
                then 'pending'
            when followed.executed_qty is null then 'not executed'
            when
                followed.executed_qty = coalesce(recommended.decided_qty, recommended.recommended_qty)
                then 'executed as decided'
            else 'executed otherwise'
        end as outcome
    from recommended
    left join followed on recommended.recommendation_id = followed.recommendation_id

)

select * from final
