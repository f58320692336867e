{{ config(materialized='table') }}

with delivered as (

    select
        _source as source,
        sku_id,
        supersedes_sku_id,
        {{ gtin14('barcode') }} as gtin
    from {{ source('feeds', 'erp_products') }}

),

main_products as (

    select
        sku_id,
        gtin
    from delivered
    where source = 'erp'

),

-- a barcode links only where it names one product of a source
main_barcodes as (

    select
        gtin,
        min(sku_id) as sku_id
    from main_products
    where gtin is not null
    group by gtin
    having count(*) = 1

),

-- among further sources the first one in the alphabet gives the id
further_barcodes as (

    select
        gtin,
        min(source) as source,
        count(distinct source) as sources,
        count(*) as products
    from delivered
    where source <> 'erp' and gtin is not null
    group by gtin

),

further_leaders as (

    select
        delivered.gtin,
        delivered.source,
        delivered.sku_id
    from delivered
    inner join further_barcodes
        on
            delivered.gtin = further_barcodes.gtin
            and delivered.source = further_barcodes.source
    where further_barcodes.sources = further_barcodes.products

),

-- an id that two further sources use for different things must not join them
further_ids as (

    select
        sku_id,
        min(source) as source
    from delivered
    where source <> 'erp'
    group by sku_id

),

matched as (

    select
        delivered.source,
        delivered.sku_id,
        delivered.supersedes_sku_id,
        delivered.gtin,
        same_id.sku_id as same_id_sku_id,
        same_id.gtin as same_id_gtin,
        main_barcodes.sku_id as barcode_sku_id,
        coalesce(further_leaders.source, delivered.source) as leading_source,
        coalesce(further_leaders.sku_id, delivered.sku_id) as leading_sku_id
    from delivered
    left join main_products as same_id on delivered.sku_id = same_id.sku_id
    left join main_barcodes on delivered.gtin = main_barcodes.gtin
    left join further_leaders on delivered.gtin = further_leaders.gtin and delivered.source <> 'erp'

),

decided as (

    select
        matched.source,
        matched.sku_id,
        matched.supersedes_sku_id,
        matched.gtin,
        matched.same_id_gtin,
        case
            when matched.source = 'erp' then matched.sku_id
            when matched.same_id_sku_id is not null then matched.same_id_sku_id
            when matched.barcode_sku_id is not null then matched.barcode_sku_id
            when further_ids.source = matched.leading_source then matched.leading_sku_id
            else matched.leading_source || ':' || matched.leading_sku_id
        end as canonical_sku_id,
        case
            when matched.source = 'erp' then 'main source'
            when matched.same_id_sku_id is not null then 'same id'
            when matched.barcode_sku_id is not null then 'same barcode'
            when matched.leading_source <> matched.source then 'same barcode'
            else 'itself'
        end as method
    from matched
    left join further_ids on matched.leading_sku_id = further_ids.sku_id

),

final as (

    select
        source,
        sku_id,
        canonical_sku_id,
        method,
        gtin,
        coalesce(method = 'same id' and gtin <> same_id_gtin, false) as has_other_barcode,
        canonical_sku_id <> sku_id as is_renamed,
        -- of all rows of a product one gives its name, price and hierarchy: the main source's, else the first one's
        row_number() over (
            partition by canonical_sku_id
            order by
                case when source = 'erp' then 0 else 1 end,
                case when method = 'itself' then 0 else 1 end,
                source,
                sku_id
        ) = 1 as is_leading
    from decided

)

select * from final
