{%- set terms = {
    'actual_qty': 3, 'baseline_qty': 3, 'uplift_net_amount': 2, 'uplift_margin_amount': 2, 'promotion_cost_amount': 2,
    'cannibalised_net_amount': 2, 'cannibalised_margin_amount': 2, 'pulled_forward_qty': 3,
    'pulled_forward_margin_amount': 2
} %}
with products as (

    select * from {{ ref('mart_promotion_roi') }}

),

results as (

    select * from {{ ref('int_promotion_pair_results') }}

),

channel_results as (

    select * from {{ ref('int_promotion_channel_results') }}

),

cannibalised as (

    select * from {{ ref('int_promotion_cannibalisation') }}

),

sales as (

    select * from {{ ref('int_promotion_sales') }}

),

promotion_pairs as (

    select * from {{ ref('int_promotion_pairs') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_grouped') }}

),

-- the formulas of mart_promotion_roi; what the category lost is shared out by what each channel sold of the pair
measured as (

    select
        results.promotion_key,
        results.sku_key,
        parts.channel,
        parts.during_qty as actual_qty,
        parts.base_qty * results.during_days as baseline_qty,
        parts.during_net_amount - parts.base_net_amount * results.during_days as uplift_net_amount,
        case
            when results.base_margin_amount is not null
                then
                    coalesce(parts.during_margin_amount, 0)
                    - coalesce(parts.base_margin_amount, 0) * results.during_days
        end as uplift_margin_amount,
        parts.discount_amount as promotion_cost_amount,
        cannibalised.net_amount * parts.during_net_amount / nullif(results.during_net_amount, 0)
            as cannibalised_net_amount,
        cannibalised.margin_amount * parts.during_net_amount / nullif(results.during_net_amount, 0)
            as cannibalised_margin_amount,
        parts.base_qty * results.after_days - parts.after_qty as pulled_forward_qty,
        case
            when results.base_margin_amount is not null
                then coalesce(parts.base_margin_amount, 0) * results.after_days - coalesce(parts.after_margin_amount, 0)
        end as pulled_forward_margin_amount
    from channel_results as parts
    inner join results
        on
            parts.promotion_key = results.promotion_key
            and parts.sku_location_key = results.sku_location_key
    left join cannibalised
        on
            parts.promotion_key = cannibalised.promotion_key
            and parts.sku_location_key = cannibalised.sku_location_key

),

-- rounded a pair: sums of doubles hang on their order
added as (

    select
        promotion_key,
        sku_key,
        channel,
    {% for term, digits in terms.items() %}
        sum(cast({{ term }} as decimal(18, 4))) as {{ term }}{{ ',' if not loop.last }}
    {% endfor %}
    from measured
    group by promotion_key, sku_key, channel

),

promotions as (

    select distinct
        promotion_key,
        promotion_id
    from promotion_pairs

),

channels as (

    select
        promotions.promotion_id,
        sku_locations.sku_id,
        coalesce(added.channel, sales.channel) as channel,
        coalesce(sales.units_qty, 0) as units_qty,
        coalesce(sales.net_amount, 0) as net_amount,
        coalesce(sales.discount_amount, 0) as discount_amount,
    {% for term in terms %}
        added.{{ term }}{{ ',' if not loop.last }}
    {% endfor %}
    from added
    full outer join sales
        on
            added.promotion_key = sales.promotion_key
            and added.sku_key = sales.sku_key
            and added.channel = sales.channel
    inner join promotions on coalesce(added.promotion_key, sales.promotion_key) = promotions.promotion_key
    inner join sku_locations on coalesce(added.sku_key, sales.sku_key) = sku_locations.sku_location_key

),

ranked as (

    select
        channels.*,
        row_number() over (
            partition by channels.promotion_id, channels.sku_id
            order by channels.units_qty desc, channels.channel asc
        ) as channel_rank
    from channels

),

cents as (

    select
        products.promotion_id,
        products.sku_id,
        ranked.channel,
        products.mechanic,
        products.starts_on,
        products.ends_on,
        products.status,
        products.missing_reason,
        products.net_margin_effect_amount as whole_effect_amount,
        ranked.channel_rank,
        ranked.units_qty,
        ranked.net_amount,
        ranked.discount_amount,
    {% for term, digits in terms.items() %}
        cast(coalesce(ranked.{{ term }}, 0) as decimal(18, {{ digits }})) as {{ term }},
        products.{{ term }} as whole_{{ term }}{{ ',' if not loop.last }}
    {% endfor %}
    from ranked
    inner join products on ranked.promotion_id = products.promotion_id and ranked.sku_id = products.sku_id

),

-- the channel that sold most takes what rounding leaves, so the channels are the product's row
rounded as (

    select
        promotion_id,
        sku_id,
        channel,
        mechanic,
        starts_on,
        ends_on,
        status,
        missing_reason,
        whole_effect_amount,
        channel_rank,
        units_qty,
        net_amount,
        discount_amount,
    {% for term in terms %}
        case
            when channel_rank = 1
                then whole_{{ term }} - sum({{ term }}) over (partition by promotion_id, sku_id) + {{ term }}
            when whole_{{ term }} is not null then {{ term }}
        end as {{ term }}{{ ',' if not loop.last }}
    {% endfor %}
    from cents

),

effects as (

    select
        *,
        case
            when whole_effect_amount is not null
                then
                    uplift_margin_amount - coalesce(cannibalised_margin_amount, 0)
                    - coalesce(pulled_forward_margin_amount, 0)
        end as effect_amount
    from rounded

),

final as (

    select
        promotion_id,
        sku_id,
        channel,
        mechanic,
        starts_on,
        ends_on,
        status,
        cast(units_qty as decimal(18, 3)) as units_qty,
        cast(net_amount as decimal(18, 2)) as net_amount,
        cast(discount_amount as decimal(18, 2)) as discount_amount,
        cast(actual_qty as decimal(18, 3)) as actual_qty,
        cast(baseline_qty as decimal(18, 3)) as baseline_qty,
        cast(uplift_net_amount as decimal(18, 2)) as uplift_net_amount,
        cast(uplift_margin_amount as decimal(18, 2)) as uplift_margin_amount,
        cast(promotion_cost_amount as decimal(18, 2)) as promotion_cost_amount,
        cast(cannibalised_net_amount as decimal(18, 2)) as cannibalised_net_amount,
        cast(cannibalised_margin_amount as decimal(18, 2)) as cannibalised_margin_amount,
        cast(pulled_forward_qty as decimal(18, 3)) as pulled_forward_qty,
        cast(pulled_forward_margin_amount as decimal(18, 2)) as pulled_forward_margin_amount,
        cast(
            effect_amount + case
                when channel_rank = 1
                    then whole_effect_amount - sum(effect_amount) over (partition by promotion_id, sku_id)
                else 0
            end as decimal(18, 2)
        ) as net_margin_effect_amount,
        missing_reason
    from effects

)

select * from final
