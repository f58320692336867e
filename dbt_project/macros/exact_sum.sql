{# A sum of doubles that does not depend on the order of the rows: to a millionth. #}
{% macro exact_sum(expression) -%}
    cast(sum(cast({{ expression }} as decimal(28, 6))) as double)
{%- endmacro %}
