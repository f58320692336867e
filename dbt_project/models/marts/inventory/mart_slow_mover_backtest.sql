with checks as (

    select * from {{ ref('int_slow_mover_checks') }}

),

-- month ends whose outcome has been seen, each by itself and all together
seen as (

    select
        evaluated_on,
        rule,
        is_alert,
        is_right,
        money_at_risk
    from checks
    where is_outcome_known and is_right is not null
    union all
    select
        null as evaluated_on,
        rule,
        is_alert,
        is_right,
        money_at_risk
    from checks
    where is_outcome_known and is_right is not null

),

counted as (

    select
        rule,
        evaluated_on,
        count(*) as judged_count,
        count(case when is_alert then 1 end) as alert_count,
        count(case when is_alert and is_right then 1 end) as right_alert_count,
        count(case when not is_alert then 1 end) as other_count,
        count(case when not is_alert and is_right then 1 end) as right_other_count,
        sum(case when is_alert then money_at_risk else 0 end) as alert_amount,
        sum(case when is_alert and is_right then money_at_risk else 0 end) as right_alert_amount
    from seen
    group by rule, evaluated_on

),

shares as (

    select
        *,
        cast(right_alert_count as double) / nullif(alert_count, 0) as right_share,
        cast(right_other_count as double) / nullif(other_count, 0) as base_share
    from counted

),

final as (

    select
        rule,
        evaluated_on,
        judged_count,
        alert_count,
        right_alert_count,
        right_share,
        other_count,
        right_other_count,
        base_share,
        right_share / nullif(base_share, 0) as lift,
        cast(alert_amount as decimal(18, 2)) as alert_amount,
        cast(right_alert_amount as decimal(18, 2)) as right_alert_amount
    from shares

)

select * from final
