"""The shape of what goes in and comes out, and the checks on it.

What belongs here: schemas and their validation with messages that say what to do. What does not: repairing data.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from ml.forecasting.calendar import Events
from ml.forecasting.distribution import DISPERSION_SCHEMA, LEVEL_NAMES

HORIZON_BLOCKS = 27  # 189 days: 26 weeks and the rest of a week under way; six months from any day are at most 184
BANDS = (("1-4", 1, 4), ("5-13", 5, 13), ("14-26", 14, HORIZON_BLOCKS))  # name, first, last block of the horizon

SERIES_COLUMNS = ("series_id", "sku_id", "location_id", "is_pooled", "region", "department", "category")
HISTORY_SCHEMA = pl.Schema({"series_id": pl.Int32, "date": pl.Date, "quantity": pl.Float64})
DEMAND_HISTORY_SCHEMA = pl.Schema(
    {
        "series_id": pl.Int32,
        "date": pl.Date,
        "quantity": pl.Float64,
        "sales_qty": pl.Float64,
        "is_repaired": pl.Boolean,
        "repair_rule": pl.String,
    }
)
_KEYS = {"as_of": pl.Date, "sku_id": pl.String, "location_id": pl.String}
_VALUES = {"mean": pl.Float64, **dict.fromkeys(LEVEL_NAMES, pl.Float64), "model": pl.String, "segment": pl.String}
DAILY_SCHEMA = pl.Schema({**_KEYS, "date": pl.Date, **_VALUES})
WEEKLY_SCHEMA = pl.Schema({**_KEYS, "week_start": pl.Date, "days_covered": pl.Int32, **_VALUES})
MONTHLY_SCHEMA = pl.Schema({**_KEYS, "month_start": pl.Date, "days_covered": pl.Int32, **_VALUES})
ACCURACY_SCHEMA = pl.Schema(
    {
        "level": pl.String,
        "horizon_band": pl.String,
        "segment": pl.String,
        "step": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "baseline_value": pl.Float64,
        "series": pl.Int32,
        "cutoffs": pl.String,
    }
)

FALLBACKS_SCHEMA = pl.Schema({"reason": pl.String, "used": pl.Int64, "of_all": pl.Int64})


class ContractError(ValueError):
    """A frame does not have the agreed shape; the message names the column and what to do."""


@dataclass(frozen=True)
class ForecastResult:
    """What one night's forecast is: published tables, what planning needs, and how they came about.

    hierarchy: hierarchy_table.HIERARCHY_SCHEMA. drivers: drivers.DRIVERS_SCHEMA. edits: edits.EDITS_SCHEMA.
    promotions: offer_layer.PROMOTED_SCHEMA.
    models: one dict a fitted model (name, cutoff, window, rows, features, trees, seed, …), for the manifest.
    fallbacks: how many times a rung of the ladder was used, by reason (FALLBACKS_SCHEMA; of_all: of how many, where
    the reason counts series of this night). warnings: sentences for the page.
    trained_files: what was trained this night, as files by name, for later nights; empty where nothing was.
    trained_because: why it was trained, in words; empty where it was not.
    """

    daily: pl.DataFrame
    weekly: pl.DataFrame
    monthly: pl.DataFrame
    accuracy: pl.DataFrame
    dispersion: pl.DataFrame
    hierarchy: pl.DataFrame
    drivers: pl.DataFrame
    edits: pl.DataFrame
    promotions: pl.DataFrame
    models: list[dict[str, object]]
    fallbacks: pl.DataFrame
    warnings: list[str]
    trained_files: dict[str, bytes]
    trained_because: str


def check_series(series: pl.DataFrame) -> pl.DataFrame:
    """Return the series sorted by series_id; raises ContractError unless ids are 1 … n and keys are unique."""
    missing = [name for name in SERIES_COLUMNS if name not in series.columns]
    if missing:
        raise ContractError(
            f"demand series lack the columns {missing}; see SERIES_COLUMNS in ml/forecasting/contract.py"
        )
    ordered = series.sort("series_id").with_columns(
        pl.col("sku_id", "location_id", "region", "department", "category").cast(pl.String)
    )
    if ordered["series_id"].to_list() != list(range(1, ordered.height + 1)):
        raise ContractError(f"series_id must run from 1 to {ordered.height} without gaps; number the series anew")
    doubled = ordered.filter(pl.struct("sku_id", "location_id").is_duplicated())
    if doubled.height:
        row = doubled.row(0, named=True)
        raise ContractError(
            f"sku {row['sku_id']!r} at {row['location_id']!r} is listed more than once; one row a series"
        )
    return ordered


def check_history(history: pl.DataFrame, series: pl.DataFrame, as_of: date) -> tuple[pl.DataFrame, list[str]]:
    """Return history with the agreed types, dates <= as_of, sorted by (series_id, date), and warnings.

    NaN, infinite and negative quantities count as no demand (returns are not demand) and are warned of; days given
    twice are summed. Raises ContractError on missing columns or series that are not listed.
    """
    missing = [name for name in HISTORY_SCHEMA if name not in history.columns]
    if missing:
        raise ContractError(
            f"demand history lacks the columns {missing}; see HISTORY_SCHEMA in ml/forecasting/contract.py"
        )
    known = history.select(pl.col(name).cast(kind) for name, kind in HISTORY_SCHEMA.items()).filter(
        pl.col("date") <= as_of
    )
    strangers = known.filter(~pl.col("series_id").is_between(1, series.height) | pl.col("series_id").is_null())
    if strangers.height:
        raise ContractError(
            f"demand history holds series_id {strangers['series_id'][0]}, which is not among the {series.height} series"
        )
    good = pl.col("quantity").is_finite() & (pl.col("quantity") >= 0)
    clean = known.filter(good.fill_null(False))
    dropped = known.height - clean.height
    warnings = [f"{dropped} days of history were not a number or negative and count as no demand"] if dropped else []
    clean = clean.filter(pl.col("quantity") > 0).sort("series_id", "date", "quantity")
    if clean.select(pl.struct("series_id", "date").is_duplicated().any()).item():
        clean = clean.group_by("series_id", "date", maintain_order=True).agg(pl.col("quantity").sum())
    return clean, warnings


def check_events(events: pl.DataFrame | None) -> dict[str, Events]:
    """Days of each event by region ("" for the whole company), of those that come round: two days of it at least.

    Raises ContractError on missing columns.
    """
    if events is None:
        return {}
    missing = [name for name in ("date", "event_name", "region") if name not in events.columns]
    if missing:
        raise ContractError(f"events lack the columns {missing}; they need date, event_name and region")
    named = (
        events.filter(pl.col("date").is_not_null(), pl.col("event_name").is_not_null())
        .group_by(pl.col("region").cast(pl.String).fill_null(""), pl.col("event_name").cast(pl.String))
        .agg(pl.col("date").cast(pl.Date).unique())
        .sort("region", "event_name")
    )
    found: dict[str, Events] = {}
    for region, name, days in named.iter_rows():
        if len(days) >= 2:
            found.setdefault(region, {})[name] = frozenset(days)
    return found


def is_counted(history: pl.DataFrame) -> bool:
    """True when demand is counted in units (99 % of days sold are whole numbers), False when measured (kilograms).

    Judged on sales_qty where the history has it: repaired demand is an expectation, not a count.
    """
    quantity = history["sales_qty" if "sales_qty" in history.columns else "quantity"]
    sold = quantity.filter((quantity > 0) & quantity.is_finite())
    whole = int(((sold - sold.round()).abs() < 1e-9).sum())
    return whole >= 0.99 * len(sold)


def check_dispersion(dispersion: pl.DataFrame) -> pl.DataFrame:
    """Return the frame cast to DISPERSION_SCHEMA; raises ContractError when a column is missing."""
    missing = [name for name in DISPERSION_SCHEMA if name not in dispersion.columns]
    if missing:
        raise ContractError(f"forecast_dispersion lacks the columns {missing}")
    return dispersion.select(pl.col(name).cast(kind) for name, kind in DISPERSION_SCHEMA.items())
