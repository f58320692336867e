{# Periods of a key that may overlap, made free of overlaps: on each day the row with the lowest `priority` holds, and
   neighbours of one value become one period. CTEs that read `candidates` (key column, valid_from, valid_to, priority,
   value; no nulls) and end in `resolved` (key column, valid_from, valid_to, value). Rows that touch no other pass
   through: only overlapping ones are cut into segments and compared. #}
{% macro resolved_periods(key) -%}
reached as (

    select
        *,
        max(valid_to) over (
            partition by {{ key }} order by valid_from, priority rows between unbounded preceding and 1 preceding
        ) as reached_to
    from candidates

),

clustered as (

    select
        *,
        sum(case when valid_from <= reached_to then 0 else 1 end) over (
            partition by {{ key }} order by valid_from, priority rows between unbounded preceding and current row
        ) as cluster
    from reached

),

counted as (

    select
        *,
        count(*) over (partition by {{ key }}, cluster) as cluster_rows
    from clustered

),

edges as (

    select
        {{ key }},
        cluster,
        valid_from as starts_on
    from counted
    where cluster_rows > 1
    union
    select
        {{ key }},
        cluster,
        {{ add_days('valid_to', 1) }} as starts_on
    from counted
    where cluster_rows > 1

),

segments as (

    select
        {{ key }},
        cluster,
        starts_on as valid_from,
        {{ add_days('lead(starts_on) over (partition by ' ~ key ~ ', cluster order by starts_on)', -1) }} as valid_to
    from edges

),

held as (

    select
        segments.{{ key }},
        segments.valid_from,
        segments.valid_to,
        min_by(counted.value, counted.priority) as value
    from segments
    inner join counted
        on
            segments.{{ key }} = counted.{{ key }}
            and segments.cluster = counted.cluster
            and segments.valid_from >= counted.valid_from
            and segments.valid_to <= counted.valid_to
    group by segments.{{ key }}, segments.valid_from, segments.valid_to
    union all
    select
        {{ key }},
        valid_from,
        valid_to,
        value
    from counted
    where cluster_rows = 1

),

changes as (

    select
        *,
        case
            when
                lag(value) over (partition by {{ key }} order by valid_from) = value
                and {{ add_days('lag(valid_to) over (partition by ' ~ key ~ ' order by valid_from)', 1) }} = valid_from
                then 0
            else 1
        end as is_change
    from held

),

runs as (

    select
        *,
        sum(is_change) over (
            partition by {{ key }} order by valid_from rows between unbounded preceding and current row
        ) as run
    from changes

),

resolved as (

    select
        {{ key }},
        min(valid_from) as valid_from,
        max(valid_to) as valid_to,
        min(value) as value
    from runs
    group by {{ key }}, run

)
{%- endmacro %}

{# The day that stands for "until further notice". #}
{% macro last_day_of_all() -%}
    cast('9999-12-31' as date)
{%- endmacro %}

{# The day that stands for "ever since". #}
{% macro first_day_of_all() -%}
    cast('1900-01-01' as date)
{%- endmacro %}
