with promotions as (

    select * from {{ ref('stg_erp__promotions') }}

),

promotion_pairs as (

    select * from {{ ref('int_promotion_pairs') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

items as (

    select * from {{ ref('stg_erp__promotion_items') }}

),

-- as delivered: what was meant to be in it, whether it ever sold or not
announced as (

    select
        promotion_id,
        count(*) as item_count
    from items
    group by promotion_id

),

reached as (

    select
        promotion_pairs.promotion_id,
        count(distinct sku_locations.sku_id) as sku_count,
        count(distinct sku_locations.location_id) as location_count,
        count(*) as sku_location_count
    from promotion_pairs
    inner join sku_locations on promotion_pairs.sku_location_key = sku_locations.sku_location_key
    group by promotion_pairs.promotion_id

),

final as (

    select
        promotions.promotion_id,
        coalesce(promotions.promotion_name, promotions.promotion_id) as promotion_name,
        promotions.mechanic,
        promotions.depth,
        promotions.threshold_amount,
        promotions.budget_amount,
        promotions.starts_on,
        promotions.ends_on,
        cast({{ days_from('promotions.starts_on', 'promotions.ends_on') }} + 1 as integer) as duration_days,
        case
            when promotions.ends_on < promotions.starts_on then 'invalid'
            when promotions.starts_on > {{ as_of() }} then 'planned'
            when promotions.ends_on > {{ as_of() }} then 'running'
            else 'ended'
        end as status,
        cast(coalesce(announced.item_count, 0) as integer) as item_count,
        cast(coalesce(reached.sku_count, 0) as integer) as sku_count,
        cast(coalesce(reached.location_count, 0) as integer) as location_count,
        cast(coalesce(reached.sku_location_count, 0) as integer) as sku_location_count
    from promotions
    left join announced on promotions.promotion_id = announced.promotion_id
    left join reached on promotions.promotion_id = reached.promotion_id

)

select * from final
