with outcomes as (

    select * from {{ ref('mart_recommendation_outcome') }}

),

-- the lines about which somebody wanted another quantity; needs are of days that four weeks hold
edits as (

    select
        list,
        coalesce(decided_by, 'not signed') as decided_by,
        coalesce(category, 'none') as category,
        abs(recommended_qty - hindsight_qty) as recommended_error_qty,
        abs(decided_qty - hindsight_qty) as decided_error_qty,
        decided_qty - recommended_qty as changed_qty,
        decided_gain_amount - recommended_gain_amount as gain_amount
    from outcomes
    where
        horizon_days = 28
        and status = 'measured'
        and decision_state in ('changed', 'rejected')
        and decided_qty <> recommended_qty

),

-- by category, and over all of them
scoped as (

    select * from edits
    union all
    select
        list,
        decided_by,
        'all' as category,
        recommended_error_qty,
        decided_error_qty,
        changed_qty,
        gain_amount
    from edits

),

counted as (

    select
        list,
        decided_by,
        category,
        count(*) as edit_count,
        count(case when changed_qty > 0 then 1 end) as raised_count,
        count(case when decided_error_qty < recommended_error_qty then 1 end) as nearer_count,
        count(case when decided_error_qty > recommended_error_qty then 1 end) as farther_count,
        {{ exact_sum('recommended_error_qty') }} / count(*) as recommended_error_qty,
        {{ exact_sum('decided_error_qty') }} / count(*) as decided_error_qty,
        {{ exact_sum('gain_amount') }} as gain_amount
    from scoped
    group by list, decided_by, category

),

-- nearer as often as farther has a deviation of the square root of both: 1.645 of them happen one time in ten by chance
final as (

    select
        list,
        decided_by,
        category,
        cast(edit_count as integer) as edit_count,
        cast(raised_count as integer) as raised_count,
        cast(nearer_count as integer) as nearer_count,
        cast(farther_count as integer) as farther_count,
        recommended_error_qty,
        decided_error_qty,
        gain_amount,
        case
            when nearer_count + farther_count < 8 then 'not clear'
            when nearer_count - farther_count >= 1.645 * sqrt(nearer_count + farther_count) then 'wins'
            when farther_count - nearer_count >= 1.645 * sqrt(nearer_count + farther_count) then 'loses'
            else 'not clear'
        end as verdict
    from counted

)

select * from final
