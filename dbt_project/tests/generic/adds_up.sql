{# The total of an amount equals that of the same column in the table it was summed from, to the last digit. #}
{% test adds_up(model, column_name, to) %}

select
    (select sum({{ column_name }}) from {{ model }}) as total,
    (select sum({{ column_name }}) from {{ to }}) as expected_total
where
    (select coalesce(sum({{ column_name }}), 0) from {{ model }})
    <> (select coalesce(sum({{ column_name }}), 0) from {{ to }})

{% endtest %}
