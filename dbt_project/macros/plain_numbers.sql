{# A quantity in words as a person writes it: 12, not 12.000; 0.75 where goods are measured. #}
{% macro plain_number(quantity) -%}
    regexp_replace(cast(cast({{ quantity }} as decimal(18, 3)) as varchar), '[.]?0+$', '')
{%- endmacro %}
