{{ config(materialized='view') }}

with promotion_periods as (

    select * from {{ ref('fct_promotion_periods') }}

),

final as (

    select
        promotion_id,
        sku_id,
        location_id,
        {{ days_between('starts_on', 'ends_on') }} as date
    from promotion_periods

)

select * from final
