with purchase_lines as (

    select * from {{ ref('int_purchase_order_lines') }}

),

transfer_lines as (

    select * from {{ ref('int_transfer_lines') }}

),

sourcing as (

    select * from {{ ref('int_sourcing_resolved') }}

),

lead_times as (

    select * from {{ ref('int_lead_times_measured') }}

),

-- lines received or ordered lately, and whatever is still open; a transfer ships what it ships, so it has no fill
lines as (

    select
        supplier_id,
        cast(null as varchar) as from_location_id,
        location_id,
        sku_id,
        po_id as order_id,
        received_on,
        expected_on,
        case when not is_open and not is_cancelled then ordered_qty end as closed_ordered_qty,
        case when not is_open and not is_cancelled then least(received_qty, ordered_qty) end as closed_received_qty,
        open_qty,
        unit_cost,
        is_open,
        lead_time_days,
        days_late
    from purchase_lines
    where is_open or coalesce(received_on, ordered_on) > {{ add_days(as_of(), '-' ~ var('lead_time_window_days')) }}
    union all
    select
        cast(null as varchar) as supplier_id,
        from_location_id,
        to_location_id as location_id,
        sku_id,
        transfer_id as order_id,
        received_on,
        expected_on,
        null as closed_ordered_qty,
        null as closed_received_qty,
        in_transit_qty as open_qty,
        null as unit_cost,
        is_in_transit as is_open,
        lead_time_days,
        days_late
    from transfer_lines
    where is_in_transit or received_on > {{ add_days(as_of(), '-' ~ var('lead_time_window_days')) }}

),

-- the promise that holds today for the same product, place and source
promised_lines as (

    select
        lines.*,
        lines.open_qty * coalesce(lines.unit_cost, sourcing.unit_cost) as open_amount,
        case when lines.lead_time_days is not null then sourcing.promised_lead_time_days end as promised_days,
        case
            when sourcing.promised_lead_time_days is not null then lines.lead_time_days
        end as days_beside_promise,
        coalesce(lines.is_open and lines.days_late > 0, false) as is_overdue,
        coalesce(lines.received_on is not null and lines.expected_on is not null, false) as is_judged
    from lines
    left join sourcing
        on
            lines.sku_id = sourcing.sku_id
            and lines.location_id = sourcing.location_id
            and coalesce(lines.supplier_id, '') = coalesce(sourcing.supplier_id, '')
            and coalesce(lines.from_location_id, '') = coalesce(sourcing.from_location_id, '')

),

scoped as (

    select
        'lane' as scope,
        location_id as scope_location_id,
        *
    from promised_lines
    union all
    select
        'all' as scope,
        null as scope_location_id,
        *
    from promised_lines

),

counted as (

    select
        scope,
        supplier_id,
        from_location_id,
        scope_location_id as location_id,
        count(distinct order_id) as order_count,
        count(*) as line_count,
        avg(promised_days) as promised_lead_time_days,
        avg(days_beside_promise) - avg(promised_days) as lead_time_gap_days,
        sum(case when is_judged then 1 else 0 end) + sum(case when is_overdue then 1 else 0 end) as due_line_count,
        sum(case when is_judged and days_late <= 0 then 1 else 0 end) as on_time_line_count,
        sum(closed_received_qty) as closed_received_qty,
        sum(closed_ordered_qty) as closed_ordered_qty,
        sum(case when is_open then 1 else 0 end) as open_line_count,
        sum(case when is_open then open_amount end) as open_amount,
        sum(case when is_overdue then 1 else 0 end) as overdue_line_count,
        sum(case when is_overdue then open_amount end) as overdue_amount
    from scoped
    group by scope, supplier_id, from_location_id, scope_location_id

),

final as (

    select
        case when counted.supplier_id is not null then 'supplier' else 'place' end as source_type,
        counted.supplier_id,
        counted.from_location_id,
        counted.scope,
        counted.location_id,
        counted.order_count,
        counted.line_count,
        coalesce(lead_times.received_order_count, 0) as received_order_count,
        coalesce(lead_times.received_line_count, 0) as received_line_count,
        lead_times.lead_time_mean_days,
        lead_times.lead_time_sd_days,
        lead_times.lead_time_p05_days,
        lead_times.lead_time_p10_days,
        lead_times.lead_time_p25_days,
        lead_times.lead_time_p50_days,
        lead_times.lead_time_p75_days,
        lead_times.lead_time_p90_days,
        lead_times.lead_time_p95_days,
        lead_times.lead_time_max_days,
        cast(counted.promised_lead_time_days as double) as promised_lead_time_days,
        cast(counted.lead_time_gap_days as double) as lead_time_gap_days,
        cast(counted.due_line_count as bigint) as due_line_count,
        cast(counted.on_time_line_count as double) / nullif(counted.due_line_count, 0) as on_time_share,
        cast(counted.closed_ordered_qty as decimal(18, 3)) as closed_ordered_qty,
        cast(counted.closed_received_qty as decimal(18, 3)) as closed_received_qty,
        cast(counted.closed_received_qty as double) / nullif(counted.closed_ordered_qty, 0) as fill_share,
        cast(counted.open_line_count as bigint) as open_line_count,
        cast(
            case when counted.open_line_count = 0 then 0 else counted.open_amount end as decimal(18, 2)
        ) as open_amount,
        cast(counted.overdue_line_count as bigint) as overdue_line_count,
        cast(
            case when counted.overdue_line_count = 0 then 0 else counted.overdue_amount end as decimal(18, 2)
        ) as overdue_amount
    from counted
    left join lead_times
        on
            counted.scope = lead_times.scope
            and coalesce(counted.supplier_id, '') = coalesce(lead_times.supplier_id, '')
            and coalesce(counted.from_location_id, '') = coalesce(lead_times.from_location_id, '')
            and coalesce(counted.location_id, '') = coalesce(lead_times.location_id, '')

)

select * from final
