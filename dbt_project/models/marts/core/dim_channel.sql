with sales as (

    select * from {{ ref('stg_pos__sales') }}

),

locations as (

    select * from {{ ref('stg_erp__locations') }}

),

selling as (

    select
        channel,
        location_id,
        min(sold_on) as first_sold_on,
        max(sold_on) as last_sold_on,
        sum(net_amount) as net_amount,
        count(*) as line_count
    from sales
    group by channel, location_id

),

-- what kind of place a channel sells through, by the lines: the first by name of equals
kinds as (

    select
        selling.channel,
        coalesce(locations.location_type, 'unknown') as location_type,
        row_number() over (
            partition by selling.channel
            order by sum(selling.line_count) desc, coalesce(locations.location_type, 'unknown') asc
        ) as kind_rank
    from selling
    left join locations on selling.location_id = locations.location_id
    group by selling.channel, coalesce(locations.location_type, 'unknown')

),

totals as (

    select
        channel,
        min(first_sold_on) as first_sold_on,
        max(last_sold_on) as last_sold_on,
        count(*) as location_count,
        sum(net_amount) as net_amount
    from selling
    group by channel

),

final as (

    select
        totals.channel,
        kinds.location_type as main_location_type,
        cast(totals.location_count as integer) as location_count,
        totals.first_sold_on,
        totals.last_sold_on,
        -- a channel that sold nothing for eight weeks counts as closed, as it does for a source in the gate
        totals.last_sold_on > {{ add_days(as_of(), -56) }} as is_active,
        cast(row_number() over (order by totals.net_amount desc, totals.channel asc) as integer) as channel_rank
    from totals
    inner join kinds on totals.channel = kinds.channel and kinds.kind_rank = 1

)

select * from final
