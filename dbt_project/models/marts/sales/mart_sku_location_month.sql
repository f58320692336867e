with days as (

    select * from {{ ref('int_sku_location_days') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

dated as (

    select
        *,
        {{ month_start('date') }} as month_start
    from days

),

{{ days_summed_by('month_start') }}

select * from final
