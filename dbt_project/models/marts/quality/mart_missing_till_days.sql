with missing as (

    select * from {{ ref('int_till_days_missing') }}

),

locations as (

    select * from {{ ref('dim_location') }}

),

final as (

    select
        missing.location_id,
        missing.date,
        locations.location_name,
        locations.region,
        missing.weekdays_known,
        missing.weekdays_sold,
        missing.chance,
        missing.days_in_a_row,
        missing.other_places,
        missing.other_places_sold,
        missing.usual_products,
        missing.usual_units_qty,
        cast(missing.usual_amount as decimal(18, 2)) as usual_amount
    from missing
    left join locations on missing.location_id = locations.location_id

)

select * from final
