{# A 64-bit (DuckDB) or text (elsewhere) digest of some columns: lets a key test group integers, not wide text. #}
{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch('row_hash', 'shelfcast')(columns)) }}
{%- endmacro %}

{% macro default__row_hash(columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("coalesce(cast(" ~ column ~ " as " ~ dbt.type_string() ~ "), '') || chr(31)") -%}
    {%- endfor -%}
    {{ dbt.hash(parts | join(' || ')) }}
{%- endmacro %}

{% macro duckdb__row_hash(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}
