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

{{ renamed_skus() }},

{{ renamed_locations() }},

customer_ids as (

    select
        source,
        customer_id,
        unified_customer_id
    from {{ ref('stg_identity__customer_ids') }}

),

-- one company's ids for what every source numbers its own way; a source that uses them already has nothing to join
company_ids as (

    select
        lines.transaction_id,
        lines.line_number,
        lines.sold_at,
        lines.sold_at_utc,
        lines.channel,
        lines.quantity,
        lines.net_amount,
        lines.unit_price,
        lines.discount_amount,
        lines.promotion_id,
        lines.associate_id,
        lines.currency,
        lines._source,
        lines._file_id,
        lines._line,
        coalesce(renamed_locations.canonical_location_id, lines.location_id) as location_id,
        coalesce(renamed_skus.canonical_sku_id, lines.sku_id) as sku_id,
        coalesce(renamed_servers.canonical_location_id, lines.fulfilled_from) as fulfilled_from,
        customer_ids.unified_customer_id as customer_id
    from lines
    left join renamed_skus
        on lines._source = renamed_skus.source and lines.sku_id = renamed_skus.sku_id
    left join renamed_locations
        on lines._source = renamed_locations.source and lines.location_id = renamed_locations.location_id
    left join renamed_locations as renamed_servers
        on lines._source = renamed_servers.source and lines.fulfilled_from = renamed_servers.location_id
    left join customer_ids
        on lines._source = customer_ids.source and lines.customer_id = customer_ids.customer_id

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
        company_ids.*,
        case
            when company_ids.sold_at_utc is null then company_ids.sold_at
            else {{ utc_to_local(
                'company_ids.sold_at_utc',
                'coalesce(locations.timezone, ' ~ company_zone() ~ ')'
            ) }}
        end as local_sold_at
    from company_ids
    left join locations on company_ids.location_id = locations.location_id

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
