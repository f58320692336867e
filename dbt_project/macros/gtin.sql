{# A barcode as the 14 digits of a GTIN; null where it has another length, another sign, or a wrong check digit. #}
{% macro gtin14(barcode) -%}
    {%- set digits = "regexp_replace(coalesce(" ~ barcode ~ ", ''), '[ -]', '', 'g')" -%}
    {%- set padded = "right('000000' || " ~ digits ~ ", 14)" -%}
    case
        when
            {{ is_only_digits(digits) }}
            and length({{ digits }}) in (8, 12, 13, 14)
            and cast(substr({{ padded }}, 14, 1) as integer) = (
                10 - (
                    {%- for position in range(1, 14) %}
                    {{ '+ ' if not loop.first }}{{ 3 if position % 2 else 1 }}
                    * cast(substr({{ padded }}, {{ position }}, 1) as integer)
                    {%- endfor %}
                ) % 10
            ) % 10
            and {{ digits }} not in ('00000000', '000000000000', '0000000000000', '00000000000000')
            then {{ padded }}
    end
{%- endmacro %}

{# True where a text is digits and nothing else. #}
{% macro is_only_digits(text) -%}
    {{ return(adapter.dispatch('is_only_digits', 'shelfcast')(text)) }}
{%- endmacro %}

{% macro default__is_only_digits(text) -%}
    {{ text }} rlike '^[0-9]+$'
{%- endmacro %}

{% macro duckdb__is_only_digits(text) -%}
    regexp_full_match({{ text }}, '[0-9]+')
{%- endmacro %}
