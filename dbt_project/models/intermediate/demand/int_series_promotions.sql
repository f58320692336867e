with promotion_pairs as (

    select * from {{ ref('int_promotion_pairs') }}

),

promotions as (

    select * from {{ ref('stg_erp__promotions') }}

),

candidates as (

    select * from {{ ref('int_series_candidates') }}

),

series as (

    select * from {{ ref('int_series_selected') }}

),

members as (

    select
        candidates.sku_location_key,
        series.series_id,
        count(*) over (partition by series.series_id) as member_count
    from candidates
    inner join series
        on
            candidates.sku_id = series.sku_id
            and candidates.series_location_id = series.location_id

),

final as (

    select
        members.series_id,
        promotions.promotion_id,
        promotions.mechanic,
        cast(promotions.depth as double) as depth,
        promotions.starts_on,
        promotions.ends_on,
        cast(count(*) as double) / max(members.member_count) as part
    from promotion_pairs
    inner join members on promotion_pairs.sku_location_key = members.sku_location_key
    inner join promotions on promotion_pairs.promotion_id = promotions.promotion_id
    group by
        members.series_id,
        promotions.promotion_id,
        promotions.mechanic,
        promotions.depth,
        promotions.starts_on,
        promotions.ends_on

)

select * from final
