with recommended as (

    select * from {{ ref('stg_ml__recommendations') }}

),

executed as (

    select * from {{ ref('int_recommendations_executed') }}

),

ordered as (

    select
        *,
        {{ month_start('as_of') }} as month_start,
        coalesce(supplier_id, from_location_id) as source_id,
        decision_state in ('accepted', 'changed', 'rejected') as is_decided,
        concat(
            case when decision_state in ('accepted', 'changed', 'rejected') then '0 ' else '1 ' end,
            cast(as_of as varchar), ' ', cast(act_on as varchar), ' ', recommendation_id
        ) as place_in_month
    from recommended
    where withheld_reason is null and list <> 'assortment_changes'

),

-- a need that stands for weeks is a line of every night: one a month counts, the one that somebody decided about if any
counted as (

    select min(place_in_month) as place_in_month
    from ordered
    group by list, sku_id, location_id, source_id, channel, member_tier, month_start

),

ranked as (

    select
        ordered.*,
        counted.place_in_month is not null as is_counted
    from ordered
    left join counted on ordered.place_in_month = counted.place_in_month
    where counted.place_in_month is not null or ordered.is_decided

),

horizons as (

    select 28 as horizon_days
    union all
    select 91 as horizon_days

),

final as (

    select
        ranked.recommendation_id,
        ranked.list,
        ranked.as_of,
        ranked.sku_id,
        ranked.location_id,
        ranked.supplier_id,
        ranked.from_location_id,
        ranked.act_on,
        ranked.recommended_qty,
        ranked.order_multiple,
        ranked.min_order_qty,
        ranked.channel,
        ranked.member_tier,
        ranked.recommended_price,
        ranked.protection_days,
        ranked.position_qty,
        ranked.source_position_qty,
        ranked.unit_cost,
        ranked.unit_margin,
        ranked.source_unit_margin,
        ranked.cost_amount,
        ranked.expected_gain_amount,
        ranked.expected_28_qty,
        ranked.expected_91_qty,
        ranked.decision_state,
        ranked.decided_qty,
        ranked.decided_by,
        ranked.is_decided,
        ranked.is_counted,
        horizons.horizon_days,
        case
            when ranked.recommended_price is not null then ranked.act_on
            else {{ add_days('ranked.as_of', 1) }}
        end as measured_from,
        case
            when ranked.recommended_price is not null
                then {{ add_days('ranked.act_on', 'horizons.horizon_days - 1') }}
            else {{ add_days('ranked.as_of', 'horizons.horizon_days') }}
        end as measured_until,
        least(ranked.protection_days, horizons.horizon_days) as needed_days,
        executed.executed_on,
        executed.executed_qty,
        executed.executed_price
    from ranked
    cross join horizons
    left join executed on ranked.recommendation_id = executed.recommendation_id

)

select * from final
