with periods as (

    select * from {{ ref('int_sku_location_periods') }}

),

final as (

    select
        sku_location_key,
        period_key,
        {{ days_between('starts_on', 'ends_on') }} as date
    from periods

)

select * from final
