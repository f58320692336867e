with purchase_lines as (

    select * from {{ ref('int_purchase_order_lines') }}

),

transfer_lines as (

    select * from {{ ref('int_transfer_lines') }}

),

sourcing as (

    select * from {{ ref('int_sourcing_resolved') }}

),

lanes as (

    select * from {{ ref('int_lanes_resolved') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

measured as (

    select distinct
        kind,
        scope,
        sender_id,
        receiver
    from {{ ref('int_supply_lateness') }}

),

under_way as (

    select
        'purchase_order' as kind,
        purchase_lines.po_id as order_id,
        purchase_lines.line_number,
        purchase_lines.sku_id,
        purchase_lines.supplier_id as sender_id,
        purchase_lines.location_id,
        purchase_lines.open_qty as qty,
        purchase_lines.ordered_on as sent_on,
        purchase_lines.expected_on,
        cast(ceil(sourcing.lead_time_days) as integer) as planned_days
    from purchase_lines
    left join sourcing
        on
            purchase_lines.sku_id = sourcing.sku_id
            and purchase_lines.location_id = sourcing.location_id
            and purchase_lines.supplier_id = sourcing.supplier_id
    where purchase_lines.is_open
    union all
    select
        'transfer' as kind,
        transfer_lines.transfer_id as order_id,
        transfer_lines.line_number,
        transfer_lines.sku_id,
        transfer_lines.from_location_id as sender_id,
        transfer_lines.to_location_id as location_id,
        transfer_lines.in_transit_qty as qty,
        transfer_lines.shipped_on as sent_on,
        transfer_lines.expected_on,
        cast(ceil(lanes.lead_time_days) as integer) as planned_days
    from transfer_lines
    left join lanes
        on
            transfer_lines.from_location_id = lanes.from_location_id
            and transfer_lines.to_location_id = lanes.to_location_id
    where transfer_lines.is_in_transit

),

-- the lane itself where it has receipts enough, else its sender to places of that type, else all of its kind
final as (

    select
        under_way.kind,
        under_way.order_id,
        under_way.line_number,
        under_way.sku_id,
        under_way.sender_id,
        under_way.location_id,
        under_way.qty,
        coalesce(
            under_way.expected_on,
            {{ add_days('under_way.sent_on', 'under_way.planned_days') }}
        ) as expected_on,
        coalesce(own.scope, types.scope, alls.scope) as lateness_scope,
        coalesce(own.sender_id, types.sender_id, alls.sender_id) as lateness_sender_id,
        coalesce(own.receiver, types.receiver, alls.receiver) as lateness_receiver
    from under_way
    left join locations on under_way.location_id = locations.location_id
    left join measured as own
        on
            under_way.kind = own.kind
            and own.scope = 'lane'
            and under_way.sender_id = own.sender_id
            and under_way.location_id = own.receiver
    left join measured as types
        on
            under_way.kind = types.kind
            and types.scope = 'location_type'
            and under_way.sender_id = types.sender_id
            and coalesce(locations.location_type, 'unknown') = types.receiver
    left join measured as alls
        on
            under_way.kind = alls.kind
            and alls.scope = 'all'

)

select * from final
