with outcomes as (

    select *
    from {{ ref('mart_recommendation_outcome') }}
    where is_counted

),

final as (

    select
        month_start,
        list,
        decision_state,
        outcome,
        horizon_days,
        cast(count(*) as integer) as line_count,
        cast(count(case when status = 'measured' then 1 end) as integer) as measured_count,
        cast(count(case when status = 'too early' then 1 end) as integer) as early_count,
        sum(case when status = 'measured' then expected_qty end) as expected_qty,
        cast(sum(case when status = 'measured' then sold_qty end) as double) as sold_qty,
        cast(sum(case when status = 'measured' then lost_qty end) as double) as lost_qty,
        cast(sum(case when status = 'measured' then end_on_hand_qty end) as double) as end_on_hand_qty,
        sum(case when status = 'measured' then without_qty end) as without_qty,
        sum(
            case when status = 'measured' and realised_gain_amount is not null then expected_gain_amount end
        ) as expected_gain_amount,
        sum(case when status = 'measured' then realised_gain_amount end) as realised_gain_amount,
        -- a price that stayed shows how far the comparison itself is off: no gain was to be had there
        sum(
            case
                when status = 'measured' and outcome in ('not executed', 'executed otherwise')
                    then recommended_gain_amount - realised_gain_amount
            end
        ) as missed_gain_amount
    from outcomes
    group by month_start, list, decision_state, outcome, horizon_days

)

select * from final
