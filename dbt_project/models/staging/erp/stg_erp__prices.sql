with prices as (

    select
        sku_id,
        location_id,
        channel,
        member_tier,
        price,
        valid_from,
        valid_to,
        _source
    from {{ source('feeds', 'erp_prices') }}

),

{{ renamed_skus() }},

{{ renamed_locations() }},

-- a price may lie in the future: a known plan, so nothing is cut at the business day
final as (

    select
        coalesce(renamed_skus.canonical_sku_id, prices.sku_id) as sku_id,
        coalesce(renamed_locations.canonical_location_id, prices.location_id, '*') as location_id,
        coalesce(prices.channel, '*') as channel,
        coalesce(prices.member_tier, '*') as member_tier,
        prices.price,
        prices.valid_from,
        prices.valid_to
    from prices
    left join renamed_skus
        on prices._source = renamed_skus.source and prices.sku_id = renamed_skus.sku_id
    left join renamed_locations
        on prices._source = renamed_locations.source and prices.location_id = renamed_locations.location_id

)

select * from final
