{# Rows that should not be: those for which the condition holds. Severity warn tells without stopping the night. #}
{% test rows_where(model, bad_rows, column_name=none) %}

select *
from {{ model }}
where {{ bad_rows }}

{% endtest %}
