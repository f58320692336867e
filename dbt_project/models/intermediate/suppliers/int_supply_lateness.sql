with purchase_lines as (

    select * from {{ ref('int_purchase_order_lines') }}

),

transfer_lines as (

    select * from {{ ref('int_transfer_lines') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

receipts as (

    select
        'purchase_order' as kind,
        supplier_id as sender_id,
        location_id,
        po_id as order_id,
        days_late
    from purchase_lines
    where
        received_on > {{ add_days(as_of(), '-' ~ var('lead_time_window_days')) }}
        and days_late is not null
    union all
    select
        'transfer' as kind,
        from_location_id as sender_id,
        to_location_id as location_id,
        transfer_id as order_id,
        days_late
    from transfer_lines
    where
        received_on > {{ add_days(as_of(), '-' ~ var('lead_time_window_days')) }}
        and days_late is not null

),

scoped as (

    select
        kind,
        'lane' as scope,
        sender_id,
        location_id as receiver,
        order_id,
        days_late
    from receipts
    union all
    select
        receipts.kind,
        'location_type' as scope,
        receipts.sender_id,
        coalesce(locations.location_type, 'unknown') as receiver,
        receipts.order_id,
        receipts.days_late
    from receipts
    left join locations on receipts.location_id = locations.location_id
    union all
    select
        kind,
        'all' as scope,
        'all' as sender_id,
        'all' as receiver,
        order_id,
        days_late
    from receipts

),

sized as (

    select
        kind,
        scope,
        sender_id,
        receiver,
        count(distinct order_id) as received_order_count,
        count(*) as received_line_count
    from scoped
    group by kind, scope, sender_id, receiver
    having count(distinct order_id) >= {{ var('lead_time_min_receipts') }}

),

counted as (

    select
        kind,
        scope,
        sender_id,
        receiver,
        days_late,
        count(*) as line_count
    from scoped
    group by kind, scope, sender_id, receiver, days_late

),

final as (

    select
        counted.kind,
        counted.scope,
        counted.sender_id,
        counted.receiver,
        counted.days_late,
        sized.received_order_count,
        sized.received_line_count,
        counted.line_count / sized.received_line_count as share
    from counted
    inner join sized
        on
            counted.kind = sized.kind
            and counted.scope = sized.scope
            and counted.sender_id = sized.sender_id
            and counted.receiver = sized.receiver

)

select * from final
