{{ config(materialized='view') }}

with history as (

    select * from {{ ref('int_product_history') }}

),

final as (

    select
        sku_id,
        valid_from,
        valid_to,
        is_current,
        abc_class,
        xyz_class,
        lifecycle_stage
    from history

)

select * from final
