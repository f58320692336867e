with products as (

    select * from {{ ref('stg_erp__products') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

delivered as (

    select
        products.sku_id
        {%- for level in var('hierarchy') %},
        {{ product_level('products', level) }} as name_{{ loop.index }}
        {%- endfor %}
    from products

),

-- what only the facts know stands at every level too, so that totals by level are whole
inferred as (

    select distinct
        sku_locations.sku_id
        {%- for level in var('hierarchy') %},
        cast(null as varchar) as name_{{ loop.index }}
        {%- endfor %}
    from sku_locations
    left join products on sku_locations.sku_id = products.sku_id
    where products.sku_id is null

),

all_products as (

    select * from delivered
    union all
    select * from inferred

),

named as (

    select
        sku_id
        {%- for level in var('hierarchy') %},
        name_{{ loop.index }} is not null as is_named_{{ loop.index }},
        coalesce(name_{{ loop.index }}, 'unknown') as name_{{ loop.index }}
        {%- endfor %}
    from all_products

),

final as (

    {%- set names = [] %}
    {% for level in var('hierarchy') -%}
    {% set parents = names | join(',') -%}
    {% do names.append('name_' ~ loop.index) -%}
    select
        sku_id,
        {{ loop.index }} as level_number,
        '{{ level }}' as level_name,
        {{ node_path(names) }} as node_id,
        name_{{ loop.index }} as node_name,
        {{ node_path(parents.split(',')) if parents else 'cast(null as varchar)' }} as parent_node_id,
        is_named_{{ loop.index }} as is_named
    from named
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from final
