with valued as (

    select * from {{ ref('mart_customer_value') }}

),

accounts as (

    select * from {{ ref('dim_customer') }}

),

proposed as (

    select * from {{ ref('stg_ml__customer_next_products') }}

),

-- the most probable product of each kind: what to remind of, what to introduce
leads as (

    select
        customer_id,
        min_by(sku_id, rank) filter (where kind = 'again') as again_sku_id,
        min_by(sku_id, rank) filter (where kind = 'new') as new_sku_id
    from proposed
    group by customer_id

),

-- who refused stands in no list; who was never asked, where the company says so
reachable as (

    select
        valued.*,
        leads.again_sku_id,
        leads.new_sku_id,
        -- a usual quarter of the last year; of who came later, of the days since
        cast(
            valued.net_amount_364_days * 91 / least(greatest(valued.tenure_days + 1, 91), 364) as decimal(18, 2)
        ) as usual_91_days_amount
    from valued
    left join accounts on valued.customer_id = accounts.customer_id
    left join leads on valued.customer_id = leads.customer_id
    where coalesce(accounts.marketing_consent, {{ var('write_to_unknown_consent') }})

),

placed as (

    select
        *,
        case
            when money_score >= 4 then 'high'
            when money_score >= 2 then 'middle'
            else 'low'
        end as value_band,
        case
            when lifecycle_stage in ('lapsed', 'lost') and money_score >= 4 then 'win_back_best'
            when lifecycle_stage in ('lapsed', 'lost') then 'win_back'
            when lifecycle_stage = 'at_risk' and money_score >= 4 then 'keep_best'
            when lifecycle_stage = 'at_risk' then 'remind'
            when lifecycle_stage = 'new' and purchase_days = 1 then 'second_purchase'
            when lifecycle_stage = 'new' then 'welcome'
            when money_score = 5 then 'best'
            when frequency_score >= 4 and money_score <= 3 then 'larger_basket'
            else 'regular'
        end as audience
    from reachable

),

final as (

    select
        cast('{{ var("as_of") }}' as date) as as_of,
        audience,
        customer_id,
        lifecycle_stage,
        value_band,
        money_score,
        frequency_score,
        recency_days,
        usual_gap_days,
        net_amount_364_days,
        usual_91_days_amount,
        expected_91_days_amount,
        repurchase_probability,
        case
            when expected_91_days_amount is not null
                then greatest(usual_91_days_amount - expected_91_days_amount, 0)
        end as at_stake_amount,
        again_sku_id,
        new_sku_id,
        lifecycle_stage || ': silent for ' || cast(recency_days as varchar) || ' days where '
        || cast(round(usual_gap_days, 1) as varchar) || ' are usual; '
        || cast(net_amount_364_days as varchar) || ' in 364 days, fifth ' || cast(money_score as varchar)
        || ' of 5 by money and ' || cast(frequency_score as varchar) || ' by visits'
        || coalesce(
            '; a usual quarter is ' || cast(usual_91_days_amount as varchar) || ', the next is expected at '
            || cast(expected_91_days_amount as varchar), ''
        )
        || coalesce(
            ', comes back within 91 days with ' || cast(round(100 * repurchase_probability) as integer) || ' %', ''
        ) || '.' as explanation
    from placed

)

select * from final
