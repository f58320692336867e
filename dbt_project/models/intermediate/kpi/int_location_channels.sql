with sales as (

    select * from {{ ref('int_sales_channel_daily') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

selling as (

    select
        sku_locations.location_id,
        sales.channel,
        sum(sales.line_count) as line_count
    from sales
    inner join sku_locations on sales.sku_location_key = sku_locations.sku_location_key
    group by sku_locations.location_id, sales.channel

),

ranked as (

    select
        location_id,
        channel,
        row_number() over (partition by location_id order by line_count desc, channel asc) as channel_rank
    from selling

),

places as (

    select distinct location_id from sku_locations

),

final as (

    select
        places.location_id,
        coalesce(ranked.channel, 'none') as main_channel
    from places
    left join ranked on places.location_id = ranked.location_id and ranked.channel_rank = 1

)

select * from final
