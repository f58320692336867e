{# The hierarchy of any depth (var hierarchy): levels are columns of erp/products or keys of its `attributes`. #}

{# One select a level, of every product: its name there, and the names from the top down to it as the node's id, so that
   two nodes of one name under two parents stay two. #}
{% macro product_level_rows(products) -%}
    {% for level in var('hierarchy') -%}
    select
        sku_id,
        {{ loop.index }} as level_number,
        '{{ level }}' as level_name,
        {{ node_id(loop.index) }} as node_id,
        coalesce({{ product_level(level) }}, 'unknown') as node_name,
        {{ node_id(loop.index - 1) }} as parent_node_id,
        {{ product_level(level) }} is not null as is_named
    from {{ products }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}

{# A column of that name, else the key of that name in `attributes`; null where it is missing or blank. #}
{% macro product_level(level) -%}
    {%- set columns = ['department', 'category', 'subcategory', 'brand', 'unit'] -%}
    nullif(trim({{ level if level in columns else json_text('attributes', level) }}), '')
{%- endmacro %}

{# Names joined by " > "; a ">" in a name is doubled. Above the top there is no node. #}
{% macro node_id(level_number) -%}
    {%- for level in var('hierarchy')[:level_number] -%}
        {{ " || ' > ' || " if not loop.first }}replace(coalesce({{ product_level(level) }}, 'unknown'), '>', '>>')
    {%- else -%}
        cast(null as varchar)
    {%- endfor -%}
{%- endmacro %}

{# One key of a JSON object as text; null where the text is no JSON or has no such key. #}
{% macro json_text(text, key) -%}
    {{ return(adapter.dispatch('json_text', 'shelfcast')(text, key)) }}
{%- endmacro %}

{% macro default__json_text(text, key) -%}
    get_json_object({{ text }}, '$["{{ key }}"]')
{%- endmacro %}

{% macro duckdb__json_text(text, key) -%}
    case when json_valid({{ text }}) then json_extract_string({{ text }}, '$."{{ key }}"') end
{%- endmacro %}
