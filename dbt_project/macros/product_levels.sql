{# The product's value of one level of the hierarchy: a column of erp/products of that name, else the key of that name in
   the JSON of `attributes`. Null where it is missing or blank. #}
{% macro product_level(products, level) -%}
    {%- set columns = ['department', 'category', 'subcategory', 'brand', 'unit'] -%}
    nullif(trim({{ products ~ '.' ~ level if level in columns else json_text(products ~ '.attributes', level) }}), '')
{%- endmacro %}

{# A node's id: the names from the top down to it, so that two nodes of one name under two parents stay two. #}
{% macro node_path(names) -%}
    {%- for name in names -%}
        {{ " || ' > ' || " if not loop.first }}replace({{ name }}, '>', '>>')
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
