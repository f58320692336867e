"""Why a forecast is what it is: the 28 days ahead of each series as a sum of what drives them.

What belongs here: splitting a published mean into drivers that add up to it. What does not: words (the page), and
which feature belongs to which driver (features.DRIVERS).

    level, season, price, promotion, events: what the method said   + reconciliation + edit = published mean

Drivers of LightGBM are a build-up in this order: its forecast with everything but the level at its neutral value, then
the season as it is, and so on; each step's difference is that driver's amount, so they add up. TreeSHAP,
which knows no order, took 5.7 ms a row (200 trees of 63 leaves, 62 features, a busy machine) where a forecast takes
0.02 ms: 12 minutes for 30,490 series, more than the whole night may last.
"""

from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.evaluation.backtest import LIGHTGBM, NAIVE, Outlook
from ml.forecasting.features import DRIVERS, LEVEL, SEASON, FeatureStore
from ml.forecasting.models.lightgbm import BlockModel
from ml.forecasting.panel import BLOCK_DAYS

BLOCKS = 4
DAYS = BLOCKS * BLOCK_DAYS
RECONCILIATION, EDIT = "reconciliation", "edit"
ORDER = (*DRIVERS, RECONCILIATION, EDIT)
DRIVERS_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "sku_id": pl.String,
        "location_id": pl.String,
        "days_covered": pl.Int32,
        "driver": pl.String,
        "amount": pl.Float64,
    }
)


def drivers_of_methods(
    outlook: Outlook,
    names: np.ndarray,
    selected: np.ndarray,
    model: BlockModel | None,
    country: str | None,
    threads: int,
) -> dict[str, np.ndarray]:
    """Amount of each of DRIVERS in the selected forecast of the first 28 days, by series; they sum to it.

    names: the method that serves each series in those days. selected: its block means (series, blocks).
    """
    total = selected[:, :BLOCKS].sum(axis=1, dtype=np.float64)
    amounts = {driver: np.zeros(len(total)) for driver in DRIVERS}
    amounts[LEVEL][:] = total
    seasonal = np.flatnonzero(names == NAIVE)
    usual = outlook.forecasts["moving_average"][seasonal, :BLOCKS].sum(axis=1, dtype=np.float64)
    amounts[LEVEL][seasonal] = usual
    amounts[SEASON][seasonal] = total[seasonal] - usual
    grown = np.flatnonzero(names == LIGHTGBM)
    if model is not None and len(grown):
        store = FeatureStore(outlook.panel, country, model.code_labels)
        for driver, amount in model.build_up(store, grown, BLOCKS, threads).items():
            amounts[driver][grown] = amount
        built = sum(amounts[driver][grown] for driver in DRIVERS)
        amounts[LEVEL][grown] += total[grown] - built  # its factor (selection), and seven digits are kept
    return amounts


def drivers_table(
    series: pl.DataFrame,
    amounts: dict[str, np.ndarray],
    unedited: np.ndarray,
    published: np.ndarray,
    as_of: date,
) -> pl.DataFrame:
    """One row a series and driver (DRIVERS_SCHEMA); a driver without any effect is left out, the level never.

    unedited, published: mean of the 28 days of each series before and with planners' edits.
    """
    by_method = sum(amounts[driver] for driver in DRIVERS)
    every = {**amounts, RECONCILIATION: unedited - by_method, EDIT: published - unedited}
    table = np.stack([every[driver] for driver in ORDER], axis=1)
    is_shown = np.abs(table) > 1e-9 * np.maximum(published, 1.0)[:, None]
    is_shown[:, 0] = True
    # what is left out stays in the level, so that the rows shown still sum to the mean
    table[:, 0] += np.where(is_shown, 0.0, table).sum(axis=1)
    row, driver = np.nonzero(is_shown)
    return pl.DataFrame(
        {
            "as_of": pl.repeat(as_of, len(row), dtype=pl.Date, eager=True),
            "sku_id": series["sku_id"].gather(row),
            "location_id": series["location_id"].gather(row),
            "days_covered": pl.repeat(DAYS, len(row), dtype=pl.Int32, eager=True),
            "driver": pl.Series(ORDER, dtype=pl.String).gather(driver),
            "amount": table[row, driver],
        },
        schema=DRIVERS_SCHEMA,
    )
