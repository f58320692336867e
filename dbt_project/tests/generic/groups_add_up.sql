{# Within each group, every kind of rows adds up to the same total: the kinds are several ways to split one amount. #}
{% test groups_add_up(model, column_name, groups, kind) %}

with kinds as (

    select
        {{ groups | join(',\n        ') }},
        {{ kind }} as kind,
        sum({{ column_name }}) as total
    from {{ model }}
    group by {{ groups | join(', ') }}, {{ kind }}

)

select
    {{ groups | join(',\n    ') }},
    min(total) as lowest,
    max(total) as highest
from kinds
group by {{ groups | join(', ') }}
having min(total) <> max(total)

{% endtest %}
