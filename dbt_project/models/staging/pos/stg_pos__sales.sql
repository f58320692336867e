{{ config(materialized='table') }}

with lines as (

    select
        transaction_id,
        line_number,
        sold_at,
        sold_at_utc,
        channel,
        location_id,
        sku_id,
        quantity,
        net_amount,
        unit_price,
        discount_amount,
        promotion_id,
        customer_id,
        fulfilled_from,
        associate_id,
        currency,
        _source,
        _file_id,
        _line
    from {{ source('feeds', 'pos_sales') }}

),

locations as (

    select
        location_id,
        timezone
    from {{ ref('stg_erp__locations') }}
    where timezone is not null

),

-- a time that came with an offset is an instant: the business day is that of the place's wall clock
local_times as (

    select
        lines.*,
        case
            when lines.sold_at_utc is null then lines.sold_at
            else {{ utc_to_local(
                'lines.sold_at_utc',
                'coalesce(locations.timezone, ' ~ company_zone() ~ ')'
            ) }}
        end as local_sold_at
    from lines
    left join locations on lines.location_id = locations.location_id

),

final as (

    select
        transaction_id,
        line_number,
        _source as source,
        local_sold_at as sold_at,
        cast(local_sold_at as date) as sold_on,
        channel,
        location_id,
        coalesce(fulfilled_from, location_id) as fulfilled_from_location_id,
        sku_id,
        customer_id,
        associate_id,
        promotion_id,
        quantity,
        net_amount,
        unit_price,
        discount_amount,
        currency,
        _file_id as source_file_id,
        _line as source_line
    from local_times
    where {{ known_on_as_of('cast(local_sold_at as date)') }}

)

select * from final
