with days as (

    select * from {{ ref('int_sku_location_days') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

dated as (

    select
        *,
        {{ week_start('date') }} as week_start
    from days

),

{{ days_summed_by('week_start') }}

select * from final
