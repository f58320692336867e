with accounts as (

    select * from {{ ref('stg_crm__customers') }}

),

identities as (

    select * from {{ ref('stg_identity__customer_accounts') }}

),

-- the newest account first: it says where somebody lives now
ranked as (

    select
        identities.unified_customer_id as customer_id,
        accounts.source,
        accounts.city,
        accounts.member_tier,
        accounts.birth_date,
        accounts.registered_at,
        accounts.marketing_consent,
        row_number() over (
            partition by identities.unified_customer_id
            order by accounts.registered_at desc nulls last, accounts.source asc, accounts.customer_id asc
        ) as account_rank
    from accounts
    inner join identities
        on accounts.source = identities.source and accounts.customer_id = identities.customer_id

),

-- of each column the newest account that fills it
newest as (

    select
        *,
        min(case when city is not null then account_rank end) over (partition by customer_id) as city_rank,
        min(case when member_tier is not null then account_rank end) over (partition by customer_id) as tier_rank,
        min(case when birth_date is not null then account_rank end) over (partition by customer_id) as birth_date_rank
    from ranked

),

-- no names, phones, mails, birth dates, no source's own ids: what stands in the marts is read by many
customers as (

    select
        customer_id,
        max(case when account_rank = 1 then source end) as source,
        count(*) as account_count,
        count(distinct source) as source_count,
        max(case when account_rank = city_rank then city end) as city,
        max(case when account_rank = tier_rank then member_tier end) as member_tier,
        max(case when account_rank = birth_date_rank then birth_date end) as birth_date,
        min(registered_at) as registered_at,
        bool_and(marketing_consent) as marketing_consent
    from newest
    group by customer_id

),

final as (

    select
        customer_id,
        source,
        account_count,
        source_count,
        city,
        member_tier,
        case
            when birth_date > {{ years_before_as_of(18) }} then 'under 18'
            when birth_date > {{ years_before_as_of(25) }} then '18-24'
            when birth_date > {{ years_before_as_of(35) }} then '25-34'
            when birth_date > {{ years_before_as_of(45) }} then '35-44'
            when birth_date > {{ years_before_as_of(55) }} then '45-54'
            when birth_date > {{ years_before_as_of(65) }} then '55-64'
            when birth_date is not null then '65 and over'
        end as age_band,
        registered_at,
        marketing_consent
    from customers

)

select * from final
