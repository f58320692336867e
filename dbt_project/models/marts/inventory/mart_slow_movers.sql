with checks as (

    select * from {{ ref('int_slow_mover_checks') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

alerts as (

    select
        *,
        -- a pair may break two rules, and its money is at risk once
        row_number() over (
            partition by sku_location_key order by money_at_risk desc nulls last, rule asc
        ) = 1 as is_main
    from checks
    where evaluated_on = {{ as_of() }} and is_alert

),

worded as (

    select
        *,
        case rule
            when 'declining_sales'
                then
                    'Sells ' || cast(cast(round(measured_value) as integer) as varchar)
                    || ' % slower: ' || {{ plain_number('recent_qty') }} || ' sold on '
                    || cast(recent_days as varchar) || ' comparable days of the last 30, '
                    || {{ plain_number('before_qty') }} || ' on ' || cast(before_days as varchar)
                    || ' of the 30 before, while its category '
                    || coalesce(
                        case when category_ratio < 1 then 'lost ' else 'gained ' end
                        || cast(cast(round(100 * abs(category_ratio - 1)) as integer) as varchar) || ' %',
                        'is too small to compare'
                    ) || '.'
            when 'days_of_cover'
                then
                    {{ plain_number('on_hand_qty') }} || ' in stock '
                    || case
                        when measured_value is null then 'and none sold'
                        else
                            'last ' || cast(cast(round(measured_value) as integer) as varchar) || ' days at '
                            || {{ plain_number('quarter_qty') }} || ' sold'
                    end
                    || ' in the last ' || cast(quarter_days as varchar) || ' days in stock; the limit is '
                    || cast(cast(threshold as integer) as varchar) || ' days, which leaves '
                    || {{ plain_number('at_risk_qty') }} || ' too many.'
            else
                {{ plain_number('on_hand_qty') }} || ' in stock have lain there for '
                || cast(cast(round(measured_value) as integer) as varchar) || ' days on average, '
                || {{ plain_number('at_risk_qty') }} || ' of them for more than the limit of '
                || cast(cast(threshold as integer) as varchar) || ' days.'
        end as explanation
    from alerts

),

final as (

    select
        sku_locations.sku_id,
        sku_locations.location_id,
        worded.category,
        worded.rule,
        worded.measured_value,
        worded.threshold,
        worded.on_hand_qty,
        worded.at_risk_qty,
        worded.unit_cost,
        worded.money_at_risk,
        worded.is_main,
        worded.recent_qty,
        worded.recent_days,
        worded.before_qty,
        worded.before_days,
        worded.category_ratio,
        worded.explanation
    from worded
    inner join sku_locations on worded.sku_location_key = sku_locations.sku_location_key

)

select * from final
