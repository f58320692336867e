with recommended as (

    select * from {{ ref('stg_ml__recommendations') }}

),

executed as (

    select * from {{ ref('int_recommendations_executed') }}

),

-- a need that stands for weeks is a line of every night: one a month counts, the one that somebody decided about if any
ranked as (

    select
        *,
        decision_state in ('accepted', 'changed', 'rejected') as is_decided,
        row_number() over (
            partition by
                list,
                sku_id,
                location_id,
                coalesce(supplier_id, from_location_id),
                channel,
                member_tier,
                {{ month_start('as_of') }}
            order by
                case when decision_state in ('accepted', 'changed', 'rejected') then 0 else 1 end,
                as_of,
                act_on,
                recommendation_id
        ) = 1 as is_counted
    from recommended
    where withheld_reason is null and list <> 'assortment_changes'

),

horizons as (

    select 28 as horizon_days
    union all
    select 91 as horizon_days

),

final as (

    select
        ranked.*,
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
        executed.executed_qty,
        executed.executed_price,
        executed.is_pending,
        executed.is_as_decided
    from ranked
    cross join horizons
    inner join executed on ranked.recommendation_id = executed.recommendation_id
    where ranked.is_counted or ranked.is_decided

)

select * from final
