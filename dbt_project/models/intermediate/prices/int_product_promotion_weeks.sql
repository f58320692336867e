{%- set history_days = 728 %}
{%- set last_day = add_days('weeks.week_start', 6) -%}
with promotion_pairs as (

    select * from {{ ref('int_promotion_pairs') }}

),

shares as (

    select * from {{ ref('int_product_location_shares') }}

),

sales as (

    select * from {{ ref('int_sales_daily') }}

),

promotions as (

    select * from {{ ref('stg_erp__promotions') }}

),

weeks as (

    select distinct {{ week_start('date') }} as week_start
    from sales
    where {{ week_start('date') }} >= {{ add_days(as_of(), -history_days) }}

),

-- the days of a week as bits: a day on two promotions of a mechanic counts once
on_promotion as (

    select
        shares.sku_location_key,
        shares.sku_id,
        shares.share,
        weeks.week_start,
        promotions.mechanic,
        bit_or(
            (1 << ({{ days_from('weeks.week_start', 'least(promotion_pairs.ends_on, ' ~ last_day ~ ')') }} + 1))
            - (1 << {{ days_from('weeks.week_start', 'greatest(promotion_pairs.starts_on, weeks.week_start)') }})
        ) as days
    from promotion_pairs
    inner join promotions on promotion_pairs.promotion_id = promotions.promotion_id
    inner join shares on promotion_pairs.sku_location_key = shares.sku_location_key
    inner join weeks
        on
            promotion_pairs.starts_on <= {{ last_day }}
            and promotion_pairs.ends_on >= weeks.week_start
    where promotions.mechanic is not null
    group by shares.sku_location_key, shares.sku_id, shares.share, weeks.week_start, promotions.mechanic

),

final as (

    select
        sku_id,
        week_start,
        mechanic,
        cast(round(sum(share * bit_count(days)) / 7, 6) as double) as promoted_share
    from on_promotion
    group by sku_id, week_start, mechanic

)

select * from final
