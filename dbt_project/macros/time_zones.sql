{# From instants to the wall clock of a place. #}

{# The wall clock in a zone at a UTC instant; both timestamps carry no zone of their own. #}
{% macro utc_to_local(utc_timestamp, zone) -%}
    {{ return(adapter.dispatch('utc_to_local', 'shelfcast')(utc_timestamp, zone)) }}
{%- endmacro %}

{% macro default__utc_to_local(utc_timestamp, zone) -%}
    from_utc_timestamp({{ utc_timestamp }}, {{ zone }})
{%- endmacro %}

{% macro duckdb__utc_to_local(utc_timestamp, zone) -%}
    timezone({{ zone }}, timezone('UTC', {{ utc_timestamp }}))
{%- endmacro %}

{# True where the engine knows the zone: an unknown name would stop the whole query, not one row. #}
{% macro is_known_zone(zone) -%}
    {{ return(adapter.dispatch('is_known_zone', 'shelfcast')(zone)) }}
{%- endmacro %}

{% macro default__is_known_zone(zone) -%}
    {{ zone }} is not null
{%- endmacro %}

{% macro duckdb__is_known_zone(zone) -%}
    {{ zone }} in (select zones.name from pg_timezone_names() as zones)
{%- endmacro %}

{# The clock of whatever has no zone of its own. #}
{% macro company_zone() -%}
    '{{ var("company_timezone") }}'
{%- endmacro %}
