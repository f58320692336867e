{# A metric of dbt_project.yml (vars: metrics) as an aggregate expression: defined once, written where it is needed.
   Ratios are null where there is nothing to divide by. Types follow the unit. #}
{% macro metric(name) -%}
    {%- set known = var('metrics') -%}
    {%- if name not in known -%}
        {{ exceptions.raise_compiler_error("no metric '" ~ name ~ "' in dbt_project.yml: " ~ (known | join(', '))) }}
    {%- endif -%}
    {%- set metric = known[name] -%}
    {%- set types = {'money': 'decimal(18, 2)', 'units': 'decimal(18, 3)', 'count': 'bigint', 'days': 'decimal(18, 6)'} -%}
    {%- if metric.unit == 'percent' -%}
        100 * cast({{ metric.numerator }} as double) / nullif({{ metric.denominator }}, 0)
    {%- elif 'denominator' in metric -%}
        cast({{ metric.numerator }} as double) / nullif({{ metric.denominator }}, 0)
    {%- else -%}
        cast({{ metric.formula }} as {{ types[metric.unit] }})
    {%- endif -%}
{%- endmacro %}

{# Several metrics as a select list, each under its own name. #}
{% macro metrics(names) -%}
    {%- for name in names %}
    {{ metric(name) }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
