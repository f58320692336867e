with purchase_orders as (

    select * from {{ ref('stg_erp__purchase_orders') }}

),

-- a short receipt stays open until its status says that nothing more will come
settled as (

    select
        *,
        coalesce(status in ('cancelled', 'canceled'), false) as is_cancelled,
        ordered_qty > received_qty
        and coalesce(status, 'open') not in ('received', 'closed', 'cancelled', 'canceled') as is_open
    from purchase_orders

),

final as (

    select
        po_id,
        line_number,
        supplier_id,
        location_id,
        sku_id,
        ordered_on,
        expected_on,
        received_on,
        status,
        cast(ordered_qty as decimal(18, 3)) as ordered_qty,
        cast(received_qty as decimal(18, 3)) as received_qty,
        cast(case when is_open then ordered_qty - received_qty else 0 end as decimal(18, 3)) as open_qty,
        cast(unit_cost as decimal(18, 4)) as unit_cost,
        is_open,
        is_cancelled,
        -- a receipt before its order is a wrong date: it measures nothing
        cast(
            case
                when received_on >= ordered_on and received_qty > 0 then {{ days_from('ordered_on', 'received_on') }}
            end as integer
        ) as lead_time_days,
        cast(
            case
                when received_on is not null then {{ days_from('expected_on', 'received_on') }}
                when is_open and expected_on < {{ as_of() }} then {{ days_from('expected_on', as_of()) }}
            end as integer
        ) as days_late
    from settled

)

select * from final
