{# The night's cut: what "known" means. Every model that compares with the business day asks here. #}

{% macro as_of() -%}
    {%- if execute and not var('as_of') -%}
        {{ exceptions.raise_compiler_error("as_of is not set: pass --vars '{as_of: YYYY-MM-DD}', the closed business day") }}
    {%- endif -%}
    cast('{{ var("as_of") }}' as date)
{%- endmacro %}

{# A dated row is history when it is dated on or before the business day. Used in staging only, once a feed. #}
{% macro known_on_as_of(date_expression) -%}
    {{ date_expression }} <= {{ as_of() }}
{%- endmacro %}

{# The day before which a person of that many years was born, seen from the business day. #}
{% macro years_before_as_of(years) -%}
    cast({{ dbt.dateadd('year', -years, as_of()) }} as date)
{%- endmacro %}
