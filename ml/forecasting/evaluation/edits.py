"""What planners' edits were worth: the forecast with and without them, beside the demand that came.

What belongs here: rows of `forecast_accuracy` of segment `edited`, steps `reconciled` and `planner_edit`. What does
not: applying edits (ml.forecasting.edits).

An edit is scored when the last day it covered has been closed, once for each night that applied it, at its own node:
that is what its planner spoke about. The band is that of the first week it covered.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.forecasting import metrics
from ml.forecasting.contract import ACCURACY_SCHEMA, HORIZON_BLOCKS
from ml.forecasting.panel import BLOCK_DAYS, node_names
from ml.forecasting.reconciliation import band_of

EDITED, STEP, BEFORE = "edited", "planner_edit", "reconciled"
YEAR_DAYS = 364


def edit_worth(past: pl.DataFrame | None, series: pl.DataFrame, history: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """ACCURACY_SCHEMA, empty where no edit can be scored yet.

    past: applied edits of earlier nights (edits.EDITS_SCHEMA). history: demand (series_id, date, quantity). Rows pool
    the edits of a level and band: wmape and bias of their totals; `series` counts edits, baseline_value is the demand
    of the same days 364 days earlier.
    """
    if past is None or past.is_empty():
        return pl.DataFrame(schema=ACCURACY_SCHEMA)
    scored = []
    due = past.filter(pl.col("covers_to") <= as_of, pl.col("edited_qty").is_not_null()).sort(
        "as_of", "level", "node", "covers_from", "covers_to"
    )
    for row in due.iter_rows(named=True):
        ids = series["series_id"].filter(pl.Series(node_names(series, row["level"])) == row["node"])
        demand = history.filter(pl.col("series_id").is_in(ids.implode()))
        block = min((row["covers_from"] - row["as_of"]).days // BLOCK_DAYS + 1, HORIZON_BLOCKS)
        window = (row["covers_from"], row["covers_to"])
        sold = {"came": _sold(demand, *window, 0), "year_ago": _sold(demand, *window, YEAR_DAYS)}
        scored.append({**row, **sold, "band": band_of(block)})
    if not scored:
        return pl.DataFrame(schema=ACCURACY_SCHEMA)
    rows = []
    groups = pl.DataFrame(scored, infer_schema_length=None).group_by("level", "band", maintain_order=True)
    for (level, band), group in groups:
        came, year_ago = group["came"].to_numpy(), group["year_ago"].to_numpy()
        cutoffs = ", ".join(day.isoformat() for day in group["as_of"].unique().sort())
        for step, column in ((BEFORE, "unedited_qty"), (STEP, "edited_qty")):
            for name, metric in (("wmape", metrics.wmape), ("bias", metrics.bias)):
                rows.append(
                    {
                        "level": level,
                        "horizon_band": band,
                        "segment": EDITED,
                        "step": step,
                        "metric": name,
                        "value": metric(came, group[column].to_numpy()),
                        "baseline_value": metric(came, year_ago),
                        "series": group.height,
                        "cutoffs": cutoffs,
                    }
                )
    return pl.DataFrame(rows, schema=ACCURACY_SCHEMA)


def worth_in_words(worth: pl.DataFrame) -> list[str]:
    """A sentence a level and band in which edits made the forecast worse."""
    wide = worth.filter(pl.col("metric") == "wmape").pivot("step", index=("level", "horizon_band"), values="value")
    if wide.is_empty():
        return []
    lost = wide.filter(pl.col(STEP) > pl.col(BEFORE))
    return [
        f"planners' edits of level {row['level']}, weeks {row['horizon_band']}, made the forecast worse so far: error "
        f"{row[STEP]:.0%} of demand with them, {row[BEFORE]:.0%} without"
        for row in lost.iter_rows(named=True)
    ]


def _sold(demand: pl.DataFrame, first: date, last: date, days_back: int) -> float:
    shift = timedelta(days=days_back)
    total = demand.filter(pl.col("date").is_between(first - shift, last - shift))["quantity"].sum()
    return float(np.float64(total))
