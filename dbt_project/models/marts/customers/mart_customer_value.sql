with customer_days as (

    select * from {{ ref('int_customer_days') }}

),

accounts as (

    select * from {{ ref('dim_customer') }}

),

expectations as (

    select * from {{ ref('stg_ml__customer_value') }}

),

summed as (

    select
        customer_id,
        min(case when units_qty > 0 then date end) as first_purchase_on,
        max(case when units_qty > 0 then date end) as last_purchase_on,
        count(case when units_qty > 0 then 1 end) as purchase_days,
        sum(receipt_count) as receipt_count,
        sum(case when date > {{ add_days(as_of(), -364) }} then receipt_count else 0 end) as receipts_364_days,
        sum(net_amount) as net_amount,
        sum(case when date > {{ add_days(as_of(), -364) }} then net_amount else 0 end) as net_amount_364_days
    from customer_days
    group by customer_id

),

-- who only returned things bought before the records began: nothing is known of them
buyers as (

    select
        *,
        {{ days_from('last_purchase_on', as_of()) }} as recency_days,
        {{ days_from('first_purchase_on', as_of()) }} as tenure_days,
        cast({{ days_from('first_purchase_on', 'last_purchase_on') }} as double)
        / nullif(purchase_days - 1, 0) as own_gap_days
    from summed
    where purchase_days > 0

),

usual as (

    select {{ entry(quantiles('own_gap_days', [0.5]), 1) }} as median_gap_days
    from buyers

),

rhythms as (

    select
        buyers.*,
        -- one purchase has no rhythm: the company's usual one holds, or 30 days where nobody came twice
        greatest(
            coalesce(buyers.own_gap_days, usual.median_gap_days, 30), {{ var('customer_shortest_gap_days') }}
        ) as usual_gap_days
    from buyers
    cross join usual

),

scored as (

    select
        *,
        recency_days / usual_gap_days as recency_gaps,
        percent_rank() over (order by recency_days desc) as recency_rank,
        percent_rank() over (order by receipts_364_days) as frequency_rank,
        percent_rank() over (order by net_amount_364_days) as money_rank
    from rhythms

),

final as (

    select
        scored.customer_id,
        accounts.customer_id is not null as has_account,
        scored.first_purchase_on,
        scored.last_purchase_on,
        cast(scored.recency_days as integer) as recency_days,
        cast(scored.tenure_days as integer) as tenure_days,
        scored.purchase_days,
        cast(scored.receipt_count as bigint) as receipt_count,
        cast(scored.receipts_364_days as bigint) as receipts_364_days,
        cast(scored.net_amount as decimal(18, 2)) as net_amount,
        cast(scored.net_amount_364_days as decimal(18, 2)) as net_amount_364_days,
        cast(scored.net_amount / nullif(scored.receipt_count, 0) as decimal(18, 2)) as net_amount_per_receipt,
        cast(scored.usual_gap_days as double) as usual_gap_days,
        cast(scored.recency_gaps as double) as recency_gaps,
        -- five equal parts of the customers; equals stand in one part
        cast(least(floor(scored.recency_rank * 5) + 1, 5) as integer) as recency_score,
        cast(least(floor(scored.frequency_rank * 5) + 1, 5) as integer) as frequency_score,
        cast(least(floor(scored.money_rank * 5) + 1, 5) as integer) as money_score,
        case
            when scored.recency_gaps > {{ var('customer_lost_gaps') }} then 'lost'
            when scored.recency_gaps > {{ var('customer_lapsed_gaps') }} then 'lapsed'
            when scored.recency_gaps > {{ var('customer_at_risk_gaps') }} then 'at_risk'
            when scored.tenure_days <= {{ var('customer_new_days') }} then 'new'
            else 'active'
        end as lifecycle_stage,
        expectations.repurchase_probability,
        cast(expectations.expected_91_days_amount as decimal(18, 2)) as expected_91_days_amount,
        cast(expectations.expected_364_days_amount as decimal(18, 2)) as expected_364_days_amount,
        expectations.probability_model,
        expectations.value_model,
        expectations.year_method
    from scored
    left join accounts on scored.customer_id = accounts.customer_id
    left join expectations on scored.customer_id = expectations.customer_id

)

select * from final
