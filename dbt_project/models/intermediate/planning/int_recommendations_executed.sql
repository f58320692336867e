with recommended as (

    select * from {{ ref('stg_ml__recommendations') }}

),

purchase_orders as (

    select * from {{ ref('int_purchase_order_lines') }}

),

transfers as (

    select * from {{ ref('int_transfer_lines') }}

),

scoped_prices as (

    select * from {{ ref('int_prices_scoped') }}

),

sales as (

    select * from {{ ref('int_recommended_sales') }}

),

promotion_pairs as (

    select * from {{ ref('int_promotion_pairs') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

promotions as (

    select * from {{ ref('stg_erp__promotions') }}

),

ranging as (

    select * from {{ ref('stg_erp__ranging') }}

),

-- goods that were called for, by the source that was to send them
called_for as (

    select
        supplier_id as source_id,
        'supplier' as source_type,
        location_id,
        sku_id,
        ordered_on as executed_on,
        ordered_qty as executed_qty,
        received_qty
    from purchase_orders
    where not is_cancelled
    union all
    select
        from_location_id as source_id,
        'place' as source_type,
        to_location_id as location_id,
        sku_id,
        shipped_on as executed_on,
        transfer_qty as executed_qty,
        case when received_on is not null then transfer_qty else 0 end as received_qty
    from transfers

),

-- from the night on until the next chance to order or move
goods as (

    select
        recommended.recommendation_id,
        min(called_for.executed_on) as executed_on,
        sum(called_for.executed_qty) as executed_qty,
        sum(called_for.received_qty) as received_qty
    from recommended
    inner join called_for
        on
            recommended.sku_id = called_for.sku_id
            and recommended.location_id = called_for.location_id
            and coalesce(recommended.supplier_id, recommended.from_location_id) = called_for.source_id
            and case when recommended.supplier_id is null then 'place' else 'supplier' end = called_for.source_type
            and recommended.as_of < called_for.executed_on
            and called_for.executed_on
            < {{ add_days('recommended.act_on', 'cast(greatest(recommended.review_days, 1) as integer)') }}
    where recommended.list in ('replenishment_orders', 'transfer_orders')
    group by recommended.recommendation_id

),

priced as (

    select *
    from recommended
    where list in ('price_recommendations', 'markdown_plan') and acts_until <= {{ as_of() }}

),

-- the price of the list for just this place, channel and tier on the last day by which it should have changed
listed_prices as (

    select
        priced.recommendation_id,
        scoped_prices.price as executed_price
    from priced
    inner join scoped_prices
        on
            priced.sku_id = scoped_prices.sku_id
            and priced.location_id = scoped_prices.location_id
            and priced.channel = scoped_prices.channel
            and priced.member_tier = scoped_prices.member_tier
            and priced.acts_until between scoped_prices.valid_from and scoped_prices.valid_to

),

-- where no list says it: the shelf price at which it sold from the day on, weighted by units
seen_prices as (

    select
        priced.recommendation_id,
        sum(sales.shelf_amount) / sum(sales.units_qty) as executed_price
    from priced
    inner join sales
        on
            priced.sku_id = sales.sku_id
            and priced.location_id = sales.location_id
            and sales.date between priced.act_on and priced.acts_until
    where priced.channel = '*' and priced.member_tier = '*' and sales.units_qty > 0
    group by priced.recommendation_id

),

prices as (

    select
        priced.recommendation_id,
        cast(coalesce(listed_prices.executed_price, seen_prices.executed_price) as double) as executed_price
    from priced
    left join listed_prices on priced.recommendation_id = listed_prices.recommendation_id
    left join seen_prices on priced.recommendation_id = seen_prices.recommendation_id

),

promotion_periods as (

    select
        promotion_pairs.promotion_id,
        promotions.mechanic,
        sku_locations.sku_id,
        sku_locations.location_id,
        promotion_pairs.starts_on,
        promotion_pairs.ends_on
    from promotion_pairs
    inner join sku_locations on promotion_pairs.sku_location_key = sku_locations.sku_location_key
    inner join promotions on promotion_pairs.promotion_id = promotions.promotion_id

),

-- a promotion of the product that began after the night and runs on days of the line; of that mechanic, if any is
promoted as (

    select
        recommended.recommendation_id,
        min(promotion_periods.starts_on) as executed_on,
        max(case when promotion_periods.mechanic = recommended.action then 1 else 0 end) = 1 as is_as_said
    from recommended
    inner join promotion_periods
        on
            recommended.sku_id = promotion_periods.sku_id
            and (recommended.location_id = '*' or recommended.location_id = promotion_periods.location_id)
            and recommended.acts_until >= promotion_periods.starts_on
            and recommended.act_on <= promotion_periods.ends_on
            and recommended.as_of < promotion_periods.starts_on
    where recommended.list = 'promotion_plan' and recommended.acts_until <= {{ as_of() }}
    group by recommended.recommendation_id

),

ranged as (

    select
        recommended.recommendation_id,
        min(case when recommended.action = 'list' then ranging.listed_on else ranging.delisted_on end) as executed_on
    from recommended
    inner join ranging
        on
            recommended.sku_id = ranging.sku_id
            and recommended.location_id = ranging.location_id
            and recommended.act_on
            <= case when recommended.action = 'list' then ranging.listed_on else ranging.delisted_on end
            and recommended.acts_until
            >= case when recommended.action = 'list' then ranging.listed_on else ranging.delisted_on end
    where recommended.list = 'assortment_changes'
    group by recommended.recommendation_id

),

final as (

    select
        recommended.recommendation_id,
        coalesce(goods.executed_on, promoted.executed_on, ranged.executed_on) as executed_on,
        cast(goods.executed_qty as double) as executed_qty,
        cast(goods.received_qty as double) as received_qty,
        prices.executed_price,
        case
            when goods.recommendation_id is not null
                then goods.executed_qty = coalesce(recommended.decided_qty, recommended.recommended_qty)
            when promoted.recommendation_id is not null then promoted.is_as_said
            when ranged.recommendation_id is not null then true
            -- a price within a tenth of the step is the old one, or the new one
            when
                abs(prices.executed_price - recommended.current_price)
                > abs(recommended.recommended_price - recommended.current_price) / 10
                then
                    abs(prices.executed_price - recommended.recommended_price)
                    <= abs(recommended.recommended_price - recommended.current_price) / 10
        end as is_as_decided
    from recommended
    left join goods on recommended.recommendation_id = goods.recommendation_id
    left join prices on recommended.recommendation_id = prices.recommendation_id
    left join promoted on recommended.recommendation_id = promoted.recommendation_id
    left join ranged on recommended.recommendation_id = ranged.recommendation_id
    where
        goods.recommendation_id is not null
        or prices.executed_price is not null
        or promoted.recommendation_id is not null
        or ranged.recommendation_id is not null

)

select * from final
