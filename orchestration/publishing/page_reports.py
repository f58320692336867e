"""What the pages beside index.html show: causes of the week, effects by month, the newest tuning report.

Belongs here: SQL on the night's marts.duckdb and the arithmetic on its rows, one function a page. Words stand in the
catalogues, layout in templates/<page>.html.j2. How a cause or an effect is worked out stands in dbt_project
(mart_kpi_drivers, mart_recommendation_effect, mart_edit_score) and ml/simulation/advice.py.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from orchestration.publishing.page_data import Row, Source

MOVERS = 5  # of each kind, up and down together
MONTHS = 12
MEASURES = ("net_amount", "margin_amount")
DRIVERS = """
select compared_with, starts_on, ends_on, before_starts_on, before_ends_on, measure, driver_type, driver,
    before_amount::double as before_amount, after_amount::double as after_amount,
    change_amount::double as change_amount, change_pct, change_share
from mart_kpi_drivers
where driver_type in ('total', 'cause')
order by compared_with, measure desc, driver_type desc, abs(change_amount) desc, driver
"""
# the few first, then their names: joined to all products the query took 4 s on the demo
MOVED = """
with moved as (
    select compared_with, driver_type, driver, before_amount::double as before_amount,
        after_amount::double as after_amount, change_amount::double as change_amount
    from mart_kpi_drivers
    where measure = 'net_amount' and driver_type not in ('total', 'cause') and change_amount <> 0
    qualify row_number() over (
        partition by compared_with, driver_type order by abs(change_amount) desc, driver
    ) <= ?
)
select m.*, case m.driver_type when 'location' then l.location_name when 'product' then p.product_name end as name
from moved as m
left join dim_location as l on m.driver = l.location_id
left join dim_product as p on m.driver = p.sku_id
order by m.compared_with, m.driver_type, abs(m.change_amount) desc, m.driver
"""
ANOMALIES = """
select a.date, a.level, coalesce(l.location_name, a.node) as node, a.metric, a.value, a.usual_value
from mart_kpi_anomalies as a
left join dim_location as l on a.level = 'location' and a.node = l.location_id
where a.is_anomaly and a.date between (select max(starts_on) from mart_kpi_drivers)
    and (select max(ends_on) from mart_kpi_drivers)
order by abs(a.value - a.usual_value) desc, a.date, a.level, a.node, a.metric
limit ?
"""
# what was carried out, and what was not; of prices that stayed, the comparison's own error
DONE = """
select list, horizon_days,
    case when outcome in ('executed as decided', 'executed otherwise') then 'yes'
        when outcome = 'not executed' then 'no' else 'open' end as done,
    sum(recommendation_count)::bigint as lines, sum(measured_count)::bigint as measured,
    sum(early_count)::bigint as early, sum(expected_gain_amount) as expected,
    sum(realised_gain_amount) as realised, sum(missed_gain_amount) as missed
from mart_recommendation_effect
group by all
order by list, horizon_days, done desc
"""
MONTHLY = """
select month_start, list, decision_state, sum(recommendation_count)::bigint as lines,
    sum(recommendation_count) filter (outcome in ('executed as decided', 'executed otherwise'))::bigint as done,
    sum(measured_count)::bigint as measured, sum(early_count)::bigint as early,
    sum(expected_qty) as expected_qty, sum(sold_qty) as sold_qty, sum(lost_qty) as lost_qty,
    sum(expected_gain_amount) as expected, sum(realised_gain_amount) as realised, sum(missed_gain_amount) as missed
from mart_recommendation_effect
where horizon_days = 28 and month_start > (select max(month_start) from mart_recommendation_effect) - to_months(?)
group by all
order by month_start desc, list, decision_state
"""
FIRST_MEASURED = "select min(measured_until) as day from mart_recommendation_outcome where status = 'too early'"
# all together, and the categories in which it is more than chance
EDITS = """
select * from mart_edit_score
where category = 'all' or verdict <> 'not clear'
order by list, decided_by, category <> 'all', gain_amount desc, category
"""
TUNING = "select * from tuning_report order by service_group"


def weekly(source: Source) -> Row | None:
    """The last whole week beside the week before and the year before: totals, causes, movers, unusual days."""
    if "mart_kpi_drivers" not in source.tables:
        return None
    rows = source.rows(DRIVERS)
    if not rows:
        return None
    moved = source.rows(MOVED, MOVERS)
    comparisons = [
        _comparison(list(part), [row for row in moved if row["compared_with"] == name])
        for name, part in groupby(rows, key=lambda row: row["compared_with"])
    ]
    unusual = source.rows(ANOMALIES, 2 * MOVERS) if "mart_kpi_anomalies" in source.tables else []
    return {"comparisons": comparisons, "unusual": unusual}


def _comparison(rows: list[Row], moved: list[Row]) -> Row:
    """One comparison: its periods, each measure with its total and causes, and the movers by kind."""
    measures = [_measure(name, [row for row in rows if row["measure"] == name]) for name in MEASURES]
    kinds = {name: list(part) for name, part in groupby(moved, key=lambda row: row["driver_type"])}
    days = ("compared_with", "starts_on", "ends_on", "before_starts_on", "before_ends_on")
    return {**{name: rows[0][name] for name in days}, "measures": measures, "movers": kinds}


def _measure(name: str, rows: list[Row]) -> Row:
    """A measure with its total and its causes, the largest first."""
    return {
        "measure": name,
        "total": next(row for row in rows if row["driver_type"] == "total"),
        "causes": [row for row in rows if row["driver_type"] == "cause" and row["change_amount"]],
    }


def monthly(source: Source) -> Row | None:
    """What the recommendations of each month brought, by list and decision, and where people's edits win or lose."""
    if not {"mart_recommendation_effect", "mart_recommendation_outcome", "mart_edit_score"} <= source.tables:
        return None
    return {
        "done": source.rows(DONE),
        "months": source.rows(MONTHLY, MONTHS),
        "first_measured": source.rows(FIRST_MEASURED)[0]["day"],
        "edits": source.rows(EDITS),
    }


def tuning(source: Source) -> Row | None:
    """The newest tuning report; None before the first."""
    if "tuning_report" not in source.tables:
        return None
    rows = source.rows(TUNING)
    return {"groups": rows} if rows else None


REPORTS: dict[str, Callable[[Source], Row | None]] = {"weekly": weekly, "monthly": monthly, "tuning": tuning}
