{{ config(materialized='view') }}

with sales as (

    select * from {{ ref('int_sales_channel_daily') }}

),

unit_costs as (

    select * from {{ ref('int_unit_costs') }}

),

costed as (

    select
        sales.sku_location_key,
        sales.channel,
        sales.date,
        sales.units_qty,
        sales.returns_qty,
        sales.net_amount,
        sales.sales_amount,
        sales.discount_amount,
        sales.line_count,
        -- the periods of a pair do not overlap: at most one matches, no row is doubled
        cast(round((sales.units_qty - sales.returns_qty) * unit_costs.unit_cost, 2) as decimal(18, 2)) as cost_amount
    from sales
    left join unit_costs
        on
            sales.sku_location_key = unit_costs.sku_location_key
            and sales.date between unit_costs.valid_from and unit_costs.valid_to

),

final as (

    select
        *,
        cast(net_amount - cost_amount as decimal(18, 2)) as margin_amount,
        cast(case when cost_amount is not null then net_amount end as decimal(18, 2)) as costed_net_amount
    from costed

)

select * from final
