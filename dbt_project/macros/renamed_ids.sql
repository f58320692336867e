{# Import CTEs of the ids that a further source gives to the company's products and places (docs/identity.md): almost always
   few rows, because only sources that number otherwise are in them. #}
{% macro renamed_skus() -%}
renamed_skus as (

    select
        source,
        sku_id,
        canonical_sku_id
    from {{ ref('stg_erp__product_links') }}
    where is_renamed

)
{%- endmacro %}

{% macro renamed_locations() -%}
renamed_locations as (

    select
        source,
        location_id,
        canonical_location_id
    from {{ ref('stg_erp__location_links') }}
    where is_renamed

)
{%- endmacro %}
