{# Robust levels in one wording: quantiles of a group, and thresholds that a company may set by category. #}

{# Several quantiles of an expression in one aggregate: its values are kept once, not once a quantile. #}
{% macro quantiles(expression, shares) -%}
    {{ return(adapter.dispatch('quantiles', 'shelfcast')(expression, shares)) }}
{%- endmacro %}

{% macro default__quantiles(expression, shares) -%}
    percentile({{ expression }}, array({{ shares | join(', ') }}))
{%- endmacro %}

{% macro duckdb__quantiles(expression, shares) -%}
    quantile_cont({{ expression }}, [{{ shares | join(', ') }}])
{%- endmacro %}

{# The n-th entry of a list, counted from 1. #}
{% macro entry(list_expression, number) -%}
    {{ return(adapter.dispatch('entry', 'shelfcast')(list_expression, number)) }}
{%- endmacro %}

{% macro default__entry(list_expression, number) -%}
    element_at({{ list_expression }}, {{ number }})
{%- endmacro %}

{% macro duckdb__entry(list_expression, number) -%}
    {{ list_expression }}[{{ number }}]
{%- endmacro %}

{# A threshold: the company's own for a category (var `<name>_by_category`), else the one for all (var `<name>`). #}
{% macro by_category(name, category) -%}
    {%- set own = var(name ~ '_by_category', {}) -%}
    {%- if own -%}
        case {{ category }}
        {%- for key, value in own.items() %} when '{{ key | replace("'", "''") }}' then {{ value }}{% endfor %}
        else {{ var(name) }} end
    {%- else -%}
        {{ var(name) }}
    {%- endif -%}
{%- endmacro %}

{# The lowest value that such a threshold has for any category: what is below it fails everywhere. #}
{% macro lowest_of(name) -%}
    {{ ([var(name)] + (var(name ~ '_by_category', {}).values() | list)) | min }}
{%- endmacro %}
