{{ config(materialized='view') }}

with lines as (

    select * from {{ ref('int_purchase_order_lines') }}

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
        is_open,
        is_cancelled,
        ordered_qty,
        received_qty,
        open_qty,
        -- nothing more is owed than was ordered: more does not make up for another line's shortage
        cast(least(received_qty, ordered_qty) / nullif(ordered_qty, 0) as double) as fill_share,
        lead_time_days,
        days_late,
        unit_cost,
        cast(ordered_qty * unit_cost as decimal(18, 2)) as ordered_amount,
        cast(received_qty * unit_cost as decimal(18, 2)) as received_amount,
        cast(open_qty * unit_cost as decimal(18, 2)) as open_amount
    from lines

)

select * from final
