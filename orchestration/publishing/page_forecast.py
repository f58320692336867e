"""What the page shows of the forecast: sales and expected demand by week, and how good forecasts were.

Belongs here: SQL on the forecast tables in the night's marts.duckdb. How accuracy is measured stands in ml/forecasting.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from orchestration.publishing.page_data import Row, Source

# Steps of the forecast in the order in which they are made. What the last one of a night leaves is published.
STEPS = ("naive", "naive_seasonal", "moving_average", "lightgbm", "selected", "reconciled")
WEEKS_COMPARED = 4

# Weeks begin where the forecast's do. A week that is under way belongs to both: sold so far + forecast of the rest.
# A first week of which only some days are known would look like a dip, so it is left out.
SALES_AND_FORECAST = """
with forecast as (
    select week_start, sum(mean) as units from forecast_weekly group by all
),
first_week as (
    select min(week_start) as week_start from forecast
),
sold as (
    select
        f.week_start - (7 * ceil((f.week_start - d.date) / 7.0))::integer as week_start,
        sum(d.units_qty) as units,
        min(d.date) as first_date
    from mart_sku_location_day as d cross join first_week as f
    group by all
),
history as (
    select week_start, units from sold
    where week_start < (select week_start from first_week) and week_start >= (select min(first_date) from sold)
    order by week_start desc
    limit ?
)
select week_start, 'sold' as kind, units from history
union all by name
select f.week_start, 'forecast' as kind, f.units + coalesce(s.units, 0) as units
from forecast as f left join sold as s on f.week_start = s.week_start
order by week_start
"""
FORECAST_SIZE = """
select count(distinct sku_id) as products, count(distinct location_id) as places,
    count(distinct (sku_id, location_id)) as series
from forecast_weekly
"""


def sales_and_forecast(source: Source, history_weeks: int) -> Row | None:
    """Units by week, sold and forecast; the next four weeks beside the last four and the same four a year before."""
    if not {"forecast_weekly", "mart_sku_location_day"} <= source.tables:
        return None
    weeks = source.rows(SALES_AND_FORECAST, history_weeks)
    sold = [row for row in weeks if row["kind"] == "sold"]
    ahead = [row for row in weeks if row["kind"] == "forecast"]
    return {
        "weeks": weeks,
        **source.rows(FORECAST_SIZE)[0],
        "next_4": _units(ahead[:4]),
        "last_4": _units(sold[-4:]),
        "year_ago_4": _units(sold[-52:-48]),
    }


def _units(weeks: Sequence[Row]) -> float | None:
    """Units of so many whole weeks as are compared, or None when there are fewer."""
    return float(sum(row["units"] for row in weeks)) if len(weeks) == WEEKS_COMPARED else None


ACCURACY = """
select level, horizon_band, step, metric, value, baseline_value, series, cutoffs
from forecast_accuracy
where segment = 'all' and metric in ('wmape', 'bias', 'coverage_p90')
order by all
"""


def accuracy(source: Source) -> Row | None:
    """Errors by level, horizon and step. Levels: the finest first, which is the one at which stock is decided."""
    if "forecast_accuracy" not in source.tables:
        return None
    rows = source.rows(ACCURACY)
    errors = [row for row in rows if row["metric"] == "wmape" and math.isfinite(row["value"] or math.nan)]
    if not errors:
        return None
    series = {row["level"]: row["series"] or 0 for row in errors}
    levels = sorted(series, key=lambda level: (-series[level], level))
    step = in_order(row["step"] for row in errors)[-1]
    others = {
        (row["level"], row["horizon_band"], row["metric"]): row["value"]
        for row in rows
        if row["metric"] != "wmape" and row["step"] == step
    }
    table = [
        {**row, **{m: others.get((row["level"], row["horizon_band"], m)) for m in ("bias", "coverage_p90")}}
        for row in sorted(errors, key=lambda row: (levels.index(row["level"]), _first_week(row["horizon_band"])))
        if row["step"] == step
    ]
    # WMAPE says nothing of places that sell less than once a week (it is above 1 there): the finest level that it can
    # judge stands on the first screen
    headline = next((row for row in table if row["value"] < 1), table[0])
    # the nearest weeks are measured from every cut-off, later ones only where enough came after it
    cutoffs = table[0]["cutoffs"]
    return {
        "step": step,
        "steps": _steps(errors, headline),
        "levels": levels,
        "errors": errors,
        "table": table,
        "headline": headline,
        "cutoffs": cutoffs,
    }


def _steps(errors: Sequence[Row], headline: Row) -> list[Row]:
    """Error of each step at the level and horizon of the headline, in order, and what it takes off the one before."""
    values = {
        row["step"]: row["value"]
        for row in errors
        if (row["level"], row["horizon_band"]) == (headline["level"], headline["horizon_band"])
    }
    steps: list[Row] = []
    for step in in_order(values):
        saved = steps[-1]["value"] - values[step] if steps else None
        steps.append({"step": step, "value": values[step], "saved": saved})
    return steps


def bands_of(errors: Sequence[Row]) -> list[str]:
    """Return the horizon bands, the nearest first."""
    return sorted({row["horizon_band"] for row in errors}, key=_first_week)


def in_order(steps: Iterable[str]) -> list[str]:
    """Return steps in the order in which they are made, unknown ones last."""
    return sorted(set(steps), key=lambda step: (STEPS.index(step) if step in STEPS else len(STEPS), step))


def _first_week(band: str) -> int:
    digits = band.split("-", maxsplit=1)[0]
    return int(digits) if digits.isdigit() else 0


MOVERS_SHOWN = 8
MOVERS = """
with ahead as (
    select sku_id, location_id, any_value(as_of) as as_of, sum(amount) as expected from forecast_drivers group by all
),
behind as (
    select d.sku_id, d.location_id, sum(d.units_qty)::double as sold
    from mart_sku_location_day as d cross join (select max(as_of) as as_of from ahead) as night
    where d.date > night.as_of - 28 and d.date <= night.as_of
    group by all
),
top as (
    select sku_id, location_id, expected, coalesce(sold, 0) as sold
    from ahead left join behind using (sku_id, location_id)
    order by abs(expected - coalesce(sold, 0)) desc, sku_id, location_id
    limit ?
)
select
    sku_id, location_id, any_value(p.product_name) as product_name, any_value(top.expected) as expected,
    any_value(top.sold) as sold,
    list({driver: d.driver, amount: d.amount} order by abs(d.amount) desc, d.driver) as drivers
from top
inner join forecast_drivers as d using (sku_id, location_id)
left join dim_product as p using (sku_id)
group by sku_id, location_id
order by abs(any_value(top.expected) - any_value(top.sold)) desc, sku_id, location_id
"""


def movers(source: Source) -> list[Row]:
    """The products and places whose next 28 days differ most from the last 28.

    amounts: units by driver, the largest first.
    """
    if not {"forecast_drivers", "mart_sku_location_day", "dim_product"} <= source.tables:
        return []
    return [
        {**row, "amounts": {each["driver"]: each["amount"] for each in row["drivers"]}}
        for row in source.rows(MOVERS, MOVERS_SHOWN)
    ]


def why_moved(amounts: Mapping[str, float], words: Mapping[str, str]) -> str:
    """The level, then what moves it, in the order given; what rounds to nothing is left out. words: a catalogue."""
    moved = [
        words["move.adds" if amount > 0 else "move.takes"].format(what=words[f"move.{driver}"], n=f"{abs(amount):,.0f}")
        for driver, amount in amounts.items()
        if driver != "level" and f"move.{driver}" in words and abs(amount) >= 0.5
    ]
    return words["move.level"].format(n=f"{amounts.get('level', 0.0):,.0f}") + "".join(moved) + words["stop"]


EDITS = """
select level, node, starts_on, ends_on, factor, quantity, owner, reason, expires_on, state, unedited_qty, edited_qty
from forecast_edits
order by state, expires_on, level, node, starts_on
"""
EDIT_WORTH = """
select level, horizon_band, max(value) filter (step = 'reconciled') as before,
    max(value) filter (step = 'planner_edit') as after, max(series) as edits
from forecast_accuracy
where segment = 'edited' and metric = 'wmape'
group by all
order by all
"""


def edits(source: Source) -> Row | None:
    """Planners' edits of the night and what earlier ones were worth; None where there are neither."""
    if not {"forecast_edits", "forecast_accuracy"} <= source.tables:
        return None
    listed, worth = source.rows(EDITS), source.rows(EDIT_WORTH)
    return {"listed": listed, "worth": worth} if listed or worth else None
