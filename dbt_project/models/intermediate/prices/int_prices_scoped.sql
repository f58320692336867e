with prices as (

    select * from {{ ref('stg_erp__prices') }}

),

scopes as (

    select
        cast(row_number() over (order by sku_id, location_id, channel, member_tier) as integer) as scope_key,
        sku_id,
        location_id,
        channel,
        member_tier
    from prices
    group by sku_id, location_id, channel, member_tier

),

dated as (

    select
        scopes.scope_key,
        prices.valid_from,
        coalesce(prices.valid_to, {{ last_day_of_all() }}) as valid_to,
        prices.price
    from prices
    inner join scopes
        on
            prices.sku_id = scopes.sku_id
            and prices.location_id = scopes.location_id
            and prices.channel = scopes.channel
            and prices.member_tier = scopes.member_tier

),

-- the later valid_from wins: a week's offer interrupts the price that holds before and after it
ranked as (

    select
        scope_key,
        valid_from,
        valid_to,
        price as value,
        row_number() over (partition by scope_key order by valid_from desc, price asc) as priority,
        min(case when valid_to = {{ last_day_of_all() }} then valid_from end) over (
            partition by scope_key order by valid_from asc, price desc rows between 1 following and unbounded following
        ) as next_lasting_from
    from dated
    where valid_from <= valid_to

),

-- a price without end ends where the next one without end begins: long price lists do not pile up
candidates as (

    select
        scope_key,
        valid_from,
        case
            when valid_to = {{ last_day_of_all() }} and next_lasting_from > valid_from
                then {{ add_days('next_lasting_from', -1) }}
            else valid_to
        end as valid_to,
        value,
        priority
    from ranked

),

{{ resolved_periods('scope_key') }},

final as (

    select
        scopes.sku_id,
        scopes.location_id,
        scopes.channel,
        scopes.member_tier,
        resolved.valid_from,
        resolved.valid_to,
        resolved.value as price
    from resolved
    inner join scopes on resolved.scope_key = scopes.scope_key

)

select * from final
