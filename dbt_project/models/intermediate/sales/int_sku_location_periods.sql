with active_spans as (

    select * from {{ ref('int_sku_locations_active') }}

),

prices as (

    select * from {{ ref('int_prices') }}

),

unit_costs as (

    select * from {{ ref('int_unit_costs') }}

),

promotion_periods as (

    select * from {{ ref('int_promotion_periods') }}

),

supply as (

    select * from {{ ref('int_supply_expected') }}

),

purchase_orders as (

    select count(*) > 0 as is_delivered from {{ ref('stg_erp__purchase_orders') }}

),

transfers as (

    select count(*) > 0 as is_delivered from {{ ref('stg_erp__transfers') }}

),

-- every day on which something changes starts a new period
cuts as (

    select
        sku_location_key,
        valid_from as starts_on
    from prices
    union all
    select
        sku_location_key,
        {{ add_days('valid_to', 1) }} as starts_on
    from prices
    union all
    select
        sku_location_key,
        valid_from as starts_on
    from unit_costs
    union all
    select
        sku_location_key,
        starts_on
    from promotion_periods
    union all
    select
        sku_location_key,
        {{ add_days('ends_on', 1) }} as starts_on
    from promotion_periods
    union all
    select
        sku_location_key,
        valid_from as starts_on
    from supply

),

piece_starts as (

    select
        active_spans.sku_location_key,
        active_spans.ends_on as span_ends_on,
        cuts.starts_on
    from cuts
    inner join active_spans
        on
            cuts.sku_location_key = active_spans.sku_location_key
            and cuts.starts_on > active_spans.starts_on
            and cuts.starts_on <= active_spans.ends_on
    union
    select
        sku_location_key,
        ends_on as span_ends_on,
        starts_on
    from active_spans

),

pieces as (

    select
        sku_location_key,
        starts_on,
        least(
            span_ends_on,
            coalesce(
                {{ add_days('lead(starts_on) over (partition by sku_location_key order by starts_on)', -1) }},
                span_ends_on
            )
        ) as ends_on
    from piece_starts

),

final as (

    select
        cast(row_number() over (order by pieces.sku_location_key, pieces.starts_on) as integer) as period_key,
        pieces.sku_location_key,
        pieces.starts_on,
        pieces.ends_on,
        prices.price as shelf_price,
        unit_costs.unit_cost,
        promotion_periods.sku_location_key is not null as is_promoted,
        -- a feed that was never delivered says nothing, not zero
        case when purchase_orders.is_delivered then coalesce(supply.on_order_qty, 0) end as on_order_qty,
        case when transfers.is_delivered then coalesce(supply.in_transfer_qty, 0) end as in_transfer_qty
    from pieces
    cross join purchase_orders
    cross join transfers
    left join prices
        on
            pieces.sku_location_key = prices.sku_location_key
            and pieces.starts_on between prices.valid_from and prices.valid_to
    left join unit_costs
        on
            pieces.sku_location_key = unit_costs.sku_location_key
            and pieces.starts_on between unit_costs.valid_from and unit_costs.valid_to
    left join promotion_periods
        on
            pieces.sku_location_key = promotion_periods.sku_location_key
            and pieces.starts_on between promotion_periods.starts_on and promotion_periods.ends_on
    left join supply
        on
            pieces.sku_location_key = supply.sku_location_key
            and pieces.starts_on between supply.valid_from and supply.valid_to

)

select * from final
