{%- set after_days = var('promotion_after_days') | int %}
with results as (

    select * from {{ ref('int_promotion_pair_results') }}

),

promotion_pairs as (

    select * from {{ ref('int_promotion_pairs') }}

),

sales as (

    select * from {{ ref('int_promotion_sales') }}

),

cannibalised as (

    select * from {{ ref('int_promotion_cannibalisation') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

described as (

    select * from {{ ref('dim_promotion') }}

),

-- the same product and place in two promotions at once: which of the two sold it, nobody can say
shared_pairs as (

    select distinct
        results.promotion_key,
        results.sku_location_key
    from results
    inner join results as other
        on
            results.sku_location_key = other.sku_location_key
            and results.promotion_key <> other.promotion_key
            and results.starts_on <= other.ends_on
            and results.ends_on >= other.starts_on
    where results.is_measured

),

pairs as (

    select
        results.*,
        shared_pairs.promotion_key is not null as is_shared,
        -- the days after have all been seen
        {{ add_days('results.ends_on', after_days) }} <= {{ as_of() }} as is_followed,
        results.base_qty * results.during_days as baseline_qty,
        results.base_net_amount * results.during_days as baseline_net_amount,
        results.base_margin_amount * results.during_days as baseline_margin_amount,
        results.base_qty * results.after_days - results.after_qty as pulled_qty,
        results.base_margin_amount * results.after_days - coalesce(results.after_margin_amount, 0)
            as pulled_margin_amount,
        cannibalised.net_amount as cannibalised_net_amount,
        cannibalised.margin_amount as cannibalised_margin_amount
    from results
    left join shared_pairs
        on
            results.promotion_key = shared_pairs.promotion_key
            and results.sku_location_key = shared_pairs.sku_location_key
    left join cannibalised
        on
            results.promotion_key = cannibalised.promotion_key
            and results.sku_location_key = cannibalised.sku_location_key

),

-- rounded a pair: sums of doubles hang on their order
rounded as (

    select
        promotion_key,
        sku_key,
        is_measured,
        is_shared,
        is_followed,
        lost_qty,
        case when is_measured then during_qty end as actual_qty,
        case when is_measured then during_net_amount end as actual_net_amount,
        case when is_measured and baseline_margin_amount is not null then coalesce(during_margin_amount, 0) end
            as actual_margin_amount,
        case when is_measured then discount_amount end as promotion_cost_amount,
        cast(case when is_measured then baseline_qty end as decimal(18, 3)) as baseline_qty,
        cast(case when is_measured then baseline_net_amount end as decimal(18, 4)) as baseline_net_amount,
        cast(case when is_measured then baseline_margin_amount end as decimal(18, 4)) as baseline_margin_amount,
        cast(case when is_measured and is_followed then pulled_qty end as decimal(18, 3)) as pulled_qty,
        cast(case when is_measured and is_followed then pulled_margin_amount end as decimal(18, 4))
            as pulled_margin_amount,
        cast(case when is_measured then cannibalised_net_amount end as decimal(18, 4)) as cannibalised_net_amount,
        cast(case when is_measured then cannibalised_margin_amount end as decimal(18, 4)) as cannibalised_margin_amount
    from pairs

),

totals as (

    select
        promotion_key,
        sku_key,
        count(*) as watched_location_count,
        count(case when is_measured then 1 end) as measured_location_count,
        count(case when is_shared then 1 end) as shared_location_count,
        bool_and(is_followed) as is_followed,
        sum(lost_qty) as lost_qty,
        sum(actual_qty) as actual_qty,
        sum(baseline_qty) as baseline_qty,
        sum(actual_net_amount) as actual_net_amount,
        sum(baseline_net_amount) as baseline_net_amount,
        sum(actual_margin_amount) as actual_margin_amount,
        sum(baseline_margin_amount) as baseline_margin_amount,
        sum(promotion_cost_amount) as promotion_cost_amount,
        sum(cannibalised_net_amount) as cannibalised_net_amount,
        sum(cannibalised_margin_amount) as cannibalised_margin_amount,
        sum(pulled_qty) as pulled_forward_qty,
        sum(pulled_margin_amount) as pulled_forward_margin_amount
    from rounded
    group by promotion_key, sku_key

),

-- every place where the product is known, measured or not
reached as (

    select
        promotion_pairs.promotion_key,
        promotion_pairs.promotion_id,
        sku_locations.sku_key,
        count(*) as location_count
    from promotion_pairs
    inner join sku_locations on promotion_pairs.sku_location_key = sku_locations.sku_location_key
    where
        promotion_pairs.starts_on <= {{ as_of() }}
        and promotion_pairs.ends_on >= {{ add_days(as_of(), -400) }}
    group by promotion_pairs.promotion_key, promotion_pairs.promotion_id, sku_locations.sku_key

),

sold as (

    select
        promotion_key,
        sku_key,
        sum(units_qty) as units_qty,
        sum(net_amount) as net_amount,
        sum(discount_amount) as discount_amount
    from sales
    group by promotion_key, sku_key

),

effects as (

    select
        reached.promotion_id,
        reached.sku_key,
        reached.location_count,
        coalesce(sold.units_qty, 0) as units_qty,
        coalesce(sold.net_amount, 0) as net_amount,
        coalesce(sold.discount_amount, 0) as discount_amount,
        coalesce(totals.watched_location_count, 0) as watched_location_count,
        coalesce(totals.measured_location_count, 0) as measured_location_count,
        coalesce(totals.shared_location_count, 0) as shared_location_count,
        totals.is_followed,
        totals.lost_qty,
        totals.actual_qty,
        totals.baseline_qty,
        totals.actual_net_amount,
        totals.baseline_net_amount,
        totals.promotion_cost_amount,
        totals.cannibalised_net_amount,
        totals.cannibalised_margin_amount,
        totals.pulled_forward_qty,
        totals.pulled_forward_margin_amount,
        cast(totals.actual_net_amount - totals.baseline_net_amount as decimal(18, 2)) as uplift_net_amount,
        cast(totals.actual_margin_amount - totals.baseline_margin_amount as decimal(18, 2)) as uplift_margin_amount,
        cast(
            totals.actual_margin_amount - totals.baseline_margin_amount
            - coalesce(totals.cannibalised_margin_amount, 0)
            - coalesce(totals.pulled_forward_margin_amount, 0)
            as decimal(18, 2)
        ) as net_margin_effect_amount
    from reached
    left join sold
        on
            reached.promotion_key = sold.promotion_key
            and reached.sku_key = sold.sku_key
    left join totals
        on
            reached.promotion_key = totals.promotion_key
            and reached.sku_key = totals.sku_key

),

final as (

    select
        effects.promotion_id,
        sku_locations.sku_id,
        sku_locations.department,
        sku_locations.category,
        described.mechanic,
        described.starts_on,
        described.ends_on,
        described.status,
        cast(effects.location_count as integer) as location_count,
        cast(effects.measured_location_count as integer) as measured_location_count,
        cast(effects.shared_location_count as integer) as shared_location_count,
        cast(effects.units_qty as decimal(18, 3)) as units_qty,
        cast(effects.net_amount as decimal(18, 2)) as net_amount,
        cast(effects.discount_amount as decimal(18, 2)) as discount_amount,
        cast(effects.lost_qty as decimal(18, 3)) as lost_qty,
        cast(effects.actual_qty as decimal(18, 3)) as actual_qty,
        cast(effects.baseline_qty as decimal(18, 3)) as baseline_qty,
        cast(effects.actual_qty - effects.baseline_qty as decimal(18, 3)) as uplift_qty,
        100 * cast(effects.actual_qty - effects.baseline_qty as double) / nullif(effects.baseline_qty, 0) as uplift_pct,
        effects.uplift_net_amount,
        effects.uplift_margin_amount,
        cast(effects.promotion_cost_amount as decimal(18, 2)) as promotion_cost_amount,
        cast(effects.cannibalised_net_amount as decimal(18, 2)) as cannibalised_net_amount,
        cast(effects.cannibalised_margin_amount as decimal(18, 2)) as cannibalised_margin_amount,
        cast(effects.pulled_forward_qty as decimal(18, 3)) as pulled_forward_qty,
        cast(effects.pulled_forward_margin_amount as decimal(18, 2)) as pulled_forward_margin_amount,
        effects.net_margin_effect_amount,
        cast(effects.net_margin_effect_amount as double) / nullif(effects.promotion_cost_amount, 0) as roi,
        case
            when effects.watched_location_count = 0 then 'not ranged: a day without a sale says nothing'
            when effects.measured_location_count = 0 then 'too few days without promotion and with stock before it'
            when effects.net_margin_effect_amount is null then 'no known cost'
            when coalesce(effects.promotion_cost_amount, 0) = 0 then 'no discount given'
            when not effects.is_followed then 'the days after it are not over'
        end as missing_reason
    from effects
    inner join sku_locations on effects.sku_key = sku_locations.sku_location_key
    inner join described on effects.promotion_id = described.promotion_id

)

select * from final
