{%- set measures = ['units_qty', 'net_amount', 'margin_amount'] %}
with results as (

    select * from {{ ref('int_promotion_pair_results') }}

),

active_spans as (

    select * from {{ ref('int_sku_locations_active') }}

),

days as (

    select * from {{ ref('int_sku_location_days') }}

),

sales as (

    select * from {{ ref('int_sales_costed') }}

),

measured as (

    select * from results
    where is_measured

),

measured_pairs as (

    select
        active_spans.sku_location_key,
        min(active_spans.starts_on) as first_day,
        max(active_spans.ends_on) as last_day
    from active_spans
    where active_spans.sku_location_key in (select measured.sku_location_key from measured)
    group by active_spans.sku_location_key

),

channels as (

    select
        sku_location_key,
        min(channel) as channel,
        min(channel) < max(channel) as is_several
    from sales
    group by sku_location_key

),

-- few pairs sell over several channels; only theirs are taken apart
split_sales as (

    select
        sales.*,
        not days.is_promoted
        and not coalesce(days.is_stockout, false)
        and sales.date between measured_pairs.first_day and measured_pairs.last_day as is_fit
    from sales
    inner join channels on sales.sku_location_key = channels.sku_location_key and channels.is_several
    inner join measured_pairs on sales.sku_location_key = measured_pairs.sku_location_key
    inner join days on sales.sku_location_key = days.sku_location_key and sales.date = days.date

),

-- as int_promotion_pair_results tells the days before, during and after apart
windows as (

    select
        measured.promotion_key,
        measured.before_days,
        split_sales.*,
        case
            when split_sales.date between measured.starts_on and measured.ends_on then 'during'
            when not split_sales.is_fit then 'none'
            when split_sales.date > measured.ends_on then 'after'
            when
                measured.duration_days >= 7
                or ({{ days_from('split_sales.date', 'measured.starts_on') }} * 6) % 7 < measured.duration_days
                then 'before'
            else 'none'
        end as part
    from measured
    inner join split_sales
        on
            measured.sku_location_key = split_sales.sku_location_key
            and split_sales.date between
            {{ add_days('measured.starts_on', -(var('promotion_baseline_days') | int)) }}
            and {{ add_days('measured.ends_on', var('promotion_after_days') | int) }}

),

split as (

    select
        promotion_key,
        sku_location_key,
        channel,
        cast(sum(case when part = 'during' then discount_amount else 0 end) as decimal(18, 2)) as discount_amount,
    {% for measure in measures %}
        sum(case when part = 'during' then {{ measure }} else 0 end) as during_{{ measure }},
        cast(sum(case when part = 'before' then {{ measure }} else 0 end) as double) / max(before_days)
            as base_{{ measure }},
        cast(sum(case when part = 'after' then {{ measure }} else 0 end) as double) as after_{{ measure }}
        {{ ',' if not loop.last }}
    {% endfor %}
    from windows
    group by promotion_key, sku_location_key, channel

),

final as (

    select
        promotion_key,
        sku_location_key,
        channel,
        cast(during_units_qty as decimal(18, 3)) as during_qty,
        cast(during_net_amount as decimal(18, 2)) as during_net_amount,
        cast(during_margin_amount as decimal(18, 2)) as during_margin_amount,
        discount_amount,
        base_units_qty as base_qty,
        base_net_amount,
        base_margin_amount,
        after_units_qty as after_qty,
        after_margin_amount
    from split
    union all
    select
        measured.promotion_key,
        measured.sku_location_key,
        channels.channel,
        measured.during_qty,
        measured.during_net_amount,
        measured.during_margin_amount,
        measured.discount_amount,
        measured.base_qty,
        measured.base_net_amount,
        measured.base_margin_amount,
        measured.after_qty,
        measured.after_margin_amount
    from measured
    inner join channels on measured.sku_location_key = channels.sku_location_key and not channels.is_several

)

select * from final
