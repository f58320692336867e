{# The place under which demand is pooled that sells where nobody listed it (docs/contracts.md, section 4). #}
{% macro unlisted_location(region) -%}
    'unlisted:' || coalesce({{ region }}, 'none')
{%- endmacro %}
