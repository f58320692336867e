{{ config(materialized='view') }}

with levels as (

    select * from {{ ref('int_product_levels') }}

),

final as (

    select
        sku_id,
        level_number,
        level_name,
        node_id,
        node_name,
        parent_node_id,
        is_named
    from levels

)

select * from final
