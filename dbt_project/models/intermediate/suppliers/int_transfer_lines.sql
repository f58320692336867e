with transfers as (

    select * from {{ ref('stg_erp__transfers') }}

),

final as (

    select
        transfer_id,
        line_number,
        from_location_id,
        to_location_id,
        sku_id,
        shipped_on,
        expected_on,
        received_on,
        cast(transfer_qty as decimal(18, 3)) as transfer_qty,
        cast(case when received_on is null then transfer_qty else 0 end as decimal(18, 3)) as in_transit_qty,
        received_on is null as is_in_transit,
        cast(
            case when received_on >= shipped_on then {{ days_from('shipped_on', 'received_on') }} end as integer
        ) as lead_time_days,
        cast(
            case
                when received_on is not null then {{ days_from('expected_on', 'received_on') }}
                when expected_on < {{ as_of() }} then {{ days_from('expected_on', as_of()) }}
            end as integer
        ) as days_late
    from transfers

)

select * from final
