{# Dates in one wording. dbt's own macros where they exist; what only one engine can do is dispatched. #}

{% macro add_days(date_expression, days) -%}
    cast({{ dbt.dateadd('day', days, date_expression) }} as date)
{%- endmacro %}

{% macro month_start(date_expression) -%}
    cast({{ dbt.date_trunc('month', date_expression) }} as date)
{%- endmacro %}

{# The first day of the month, quarter or year that holds a date. #}
{% macro period_start(period, date_expression) -%}
    cast({{ dbt.date_trunc(period, date_expression) }} as date)
{%- endmacro %}

{% macro add_months(date_expression, months) -%}
    cast({{ dbt.dateadd('month', months, date_expression) }} as date)
{%- endmacro %}

{# The first day of the week that holds a date; weeks start on the company's weekday (var week_starts_on). #}
{% macro week_start(date_expression) -%}
    {%- set days_into_week -%}
        -(({{ iso_weekday(date_expression) }} - {{ var('week_starts_on') }} + 7) % 7)
    {%- endset -%}
    {{ add_days(date_expression, days_into_week) }}
{%- endmacro %}

{# ISO weekday, Monday = 1. #}
{% macro iso_weekday(date_expression) -%}
    {{ return(adapter.dispatch('iso_weekday', 'shelfcast')(date_expression)) }}
{%- endmacro %}

{% macro default__iso_weekday(date_expression) -%}
    extract(dayofweek_iso from {{ date_expression }})
{%- endmacro %}

{% macro duckdb__iso_weekday(date_expression) -%}
    extract(isodow from {{ date_expression }})
{%- endmacro %}

{# One row per day from first to last, both included; a set-returning expression for a select list. #}
{% macro days_between(first_day, last_day) -%}
    {{ return(adapter.dispatch('days_between', 'shelfcast')(first_day, last_day)) }}
{%- endmacro %}

{% macro default__days_between(first_day, last_day) -%}
    explode(sequence({{ first_day }}, {{ last_day }}))
{%- endmacro %}

{% macro duckdb__days_between(first_day, last_day) -%}
    cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date)
{%- endmacro %}

{# Days from the first date to the second, negative when it lies before. #}
{% macro days_from(first_day, last_day) -%}
    {{ dbt.datediff(first_day, last_day, 'day') }}
{%- endmacro %}

{# The names of a group in one text, in alphabetical order. #}
{% macro names_in_order(name) -%}
    {{ dbt.listagg(name, "'; '", 'order by ' ~ name) }}
{%- endmacro %}

{# Calendar months from the first date to the second. #}
{% macro months_from(first_day, last_day) -%}
    {{ dbt.datediff(first_day, last_day, 'month') }}
{%- endmacro %}
