with outcomes as (

    select *
    from {{ ref('mart_recommendation_outcome') }}
    where is_counted

),

-- what is not measured yet, or cannot be, counts as a line and adds nothing
valued as (

    select
        month_start,
        list,
        decision_state,
        outcome,
        horizon_days,
        status,
        case when status = 'measured' then expected_qty end as expected_qty,
        case when status = 'measured' then sold_qty end as sold_qty,
        case when status = 'measured' then lost_qty end as lost_qty,
        case when status = 'measured' then end_on_hand_qty end as end_on_hand_qty,
        case when status = 'measured' then expected_without_qty end as expected_without_qty,
        case when status = 'measured' then expected_gain_amount end as expected_gain_amount,
        case when status = 'measured' then realised_gain_amount end as realised_gain_amount,
        case
            when status = 'measured' and outcome in ('not executed', 'executed otherwise') then recommended_gain_amount
        end as recommended_gain_amount
    from outcomes

),

final as (

    select
        month_start,
        list,
        decision_state,
        outcome,
        horizon_days,
        cast(count(*) as integer) as recommendation_count,
        cast(count(case when status = 'measured' then 1 end) as integer) as measured_count,
        cast(count(case when status = 'too early' then 1 end) as integer) as early_count,
        {{ exact_sum('expected_qty') }} as expected_qty,
        {{ exact_sum('sold_qty') }} as sold_qty,
        {{ exact_sum('lost_qty') }} as lost_qty,
        {{ exact_sum('end_on_hand_qty') }} as end_on_hand_qty,
        {{ exact_sum('expected_without_qty') }} as expected_without_qty,
        {{ exact_sum('case when realised_gain_amount is not null then expected_gain_amount end') }}
            as expected_gain_amount,
        {{ exact_sum('realised_gain_amount') }} as realised_gain_amount,
        {{ exact_sum('recommended_gain_amount - realised_gain_amount') }} as missed_gain_amount
    from valued
    group by month_start, list, decision_state, outcome, horizon_days

)

select * from final
