"""The seam of sharding: same answer with any number of workers, and a lost worker loses nothing."""

import os
from functools import partial

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from small_companies import AS_OF, make_history, make_series

from ml.forecasting import tables
from ml.forecasting.pipeline import run
from ml.forecasting.settings import ForecastSettings
from ml.forecasting.shards import map_shards


def shard(first: int, rows: int = 4) -> pa.Table:
    return pa.table({"series_id": np.arange(first, first + rows), "quantity": np.linspace(0.1, first + 1, rows)})


def scaled(table: pa.Table, factor: float) -> pa.Table:
    """A stand-in for a model: reads its shard and what it was bound to."""
    frame = pl.DataFrame(table)
    return frame.with_columns(pl.col("quantity") * factor).to_arrow()


def crashing_elsewhere(table: pa.Table, home: int) -> pa.Table:
    """Ends any process but `home` that is given series 8."""
    if table["series_id"][0].as_py() == 8 and os.getpid() != home:
        os._exit(3)
    return table


def broken(table: pa.Table) -> pa.Table:
    """Refuses every shard."""
    raise ValueError(f"no model for {table.num_rows} rows")


SHARDS = [shard(first) for first in (0, 4, 8, 12, 16)]


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_shards_come_back_in_order_whatever_the_number_of_workers(workers: int) -> None:
    wanted = [scaled(table, 0.3) for table in SHARDS]
    found = map_shards(partial(scaled, factor=0.3), iter(SHARDS), workers)
    assert [table.equals(other) for table, other in zip(found, wanted, strict=True)] == [True] * 5
    assert map_shards(partial(scaled, factor=0.3), [], workers) == []


def test_the_shard_of_a_crashed_worker_is_computed_here() -> None:
    found = map_shards(partial(crashing_elsewhere, home=os.getpid()), SHARDS, 2)
    assert [table.equals(other) for table, other in zip(found, SHARDS, strict=True)] == [True] * 5


@pytest.mark.parametrize("workers", [1, 2])
def test_what_raises_is_raised_not_swallowed(workers: int) -> None:
    with pytest.raises(ValueError, match="no model for 4 rows"):
        map_shards(broken, SHARDS, workers)


def test_published_tables_are_the_same_from_any_number_of_workers(
    settings: ForecastSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    series, history = make_series(230), make_history(230, 90)  # three shards of a hundred series at most
    chosen = settings.model_copy(update={"backtest_weeks": ()})

    def forecast(threads: int) -> list[pl.DataFrame]:
        made = run(series, history, AS_OF, chosen.model_copy(update={"threads": threads}), lambda _: None)
        return [made.daily, made.weekly, made.monthly]

    alone = forecast(1)
    monkeypatch.setattr(tables, "PARALLEL_SERIES", 1)
    together = forecast(2)
    assert all(one.equals(other) for one, other in zip(alone, together, strict=True))
