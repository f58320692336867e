with products as (

    select * from {{ ref('mart_promotion_roi') }}

),

described as (

    select * from {{ ref('dim_promotion') }}

),

totals as (

    select
        promotion_id,
        count(*) as sku_count,
        count(case when measured_location_count > 0 then 1 end) as measured_sku_count,
        sum(units_qty) as units_qty,
        sum(net_amount) as net_amount,
        sum(discount_amount) as discount_amount,
        sum(actual_qty) as actual_qty,
        sum(baseline_qty) as baseline_qty,
        sum(uplift_net_amount) as uplift_net_amount,
        sum(uplift_margin_amount) as uplift_margin_amount,
        -- money set against margin: only of products whose margin is known
        sum(case when net_margin_effect_amount is not null then promotion_cost_amount end) as promotion_cost_amount,
        sum(cannibalised_net_amount) as cannibalised_net_amount,
        sum(cannibalised_margin_amount) as cannibalised_margin_amount,
        sum(pulled_forward_qty) as pulled_forward_qty,
        sum(pulled_forward_margin_amount) as pulled_forward_margin_amount,
        sum(net_margin_effect_amount) as net_margin_effect_amount
    from products
    group by promotion_id

),

final as (

    select
        totals.promotion_id,
        described.promotion_name,
        described.mechanic,
        described.starts_on,
        described.ends_on,
        described.status,
        described.budget_amount,
        cast(totals.sku_count as integer) as sku_count,
        cast(totals.measured_sku_count as integer) as measured_sku_count,
        cast(totals.units_qty as decimal(18, 3)) as units_qty,
        cast(totals.net_amount as decimal(18, 2)) as net_amount,
        cast(totals.discount_amount as decimal(18, 2)) as discount_amount,
        cast(totals.actual_qty as decimal(18, 3)) as actual_qty,
        cast(totals.baseline_qty as decimal(18, 3)) as baseline_qty,
        100 * cast(totals.actual_qty - totals.baseline_qty as double) / nullif(totals.baseline_qty, 0) as uplift_pct,
        cast(totals.uplift_net_amount as decimal(18, 2)) as uplift_net_amount,
        cast(totals.uplift_margin_amount as decimal(18, 2)) as uplift_margin_amount,
        cast(totals.promotion_cost_amount as decimal(18, 2)) as promotion_cost_amount,
        cast(totals.cannibalised_net_amount as decimal(18, 2)) as cannibalised_net_amount,
        cast(totals.cannibalised_margin_amount as decimal(18, 2)) as cannibalised_margin_amount,
        cast(totals.pulled_forward_qty as decimal(18, 3)) as pulled_forward_qty,
        cast(totals.pulled_forward_margin_amount as decimal(18, 2)) as pulled_forward_margin_amount,
        cast(totals.net_margin_effect_amount as decimal(18, 2)) as net_margin_effect_amount,
        cast(totals.net_margin_effect_amount as double) / nullif(totals.promotion_cost_amount, 0) as roi
    from totals
    inner join described on totals.promotion_id = described.promotion_id

)

select * from final
