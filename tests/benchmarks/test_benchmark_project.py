"""Reading back what the project published, and the steps that its command printed."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import project
from benchmarks.metrics import QUANTILES
from benchmarks.problem import Given, Task

MONDAY = date(2020, 1, 6)


@pytest.fixture
def given() -> Given:
    series = pl.DataFrame({"item_id": ["A", "A", "B"], "store_id": ["S1", "S2", "S1"]})
    starts = [MONDAY + timedelta(weeks=k) for k in range(4)]
    return Given(Task("week", 2, 52, 14), series, np.array([[1, 2], [3, 4], [0, 0]]), starts, series, np.empty((0, 0)))


def publish(home: Path, rows: list[tuple[str, str, int, float]], days_covered: int = 7) -> None:
    """Write (sku, location, week after the cut-off from 0, mean) as a published weekly forecast."""
    frame = pl.DataFrame(
        [
            {
                "sku_id": sku,
                "location_id": location,
                "week_start": MONDAY + timedelta(weeks=2 + week),
                "days_covered": days_covered,
                "mean": mean,
                **{name: mean * (0.5 + u) for name, u in QUANTILES.items()},
            }
            for sku, location, week, mean in rows
        ]
    )
    folder = home / "published" / "latest"
    folder.mkdir(parents=True)
    frame.write_parquet(folder / "forecast_weekly.parquet")


def test_series_that_are_not_published_are_zero_and_counted(given: Given, tmp_path: Path) -> None:
    weeks = [(0, 5.0), (1, 6.0), (2, 99.0)]  # the third week is beyond the problem's horizon
    publish(tmp_path, [("A", "S1", w, m) for w, m in weeks] + [("A", "unlisted:CA", w, 1.5) for w in (0, 1)])
    reading = project.read_forecast(tmp_path, given)
    assert reading.forecast.mean.tolist() == [[5, 6], [0, 0], [0, 0]]
    np.testing.assert_allclose(reading.forecast.quantiles["p90"][0], [7, 8.4])
    assert (reading.series_without, reading.sold_before_without) == (2, 1)
    assert (reading.rows_elsewhere, reading.units_elsewhere) == (2, 3.0)


def test_a_series_that_lacks_a_week_is_refused(given: Given, tmp_path: Path) -> None:
    publish(tmp_path, [("A", "S1", 0, 5.0)])
    with pytest.raises(ValueError, match="1 rows for 1 series, expected 2 whole periods"):
        project.read_forecast(tmp_path, given)


def test_a_broken_week_is_refused(given: Given, tmp_path: Path) -> None:
    publish(tmp_path, [("A", "S1", w, 5.0) for w in (0, 1)], days_covered=6)
    with pytest.raises(ValueError, match="whole periods"):
        project.read_forecast(tmp_path, given)


def test_steps_are_read_from_the_lines_of_the_command(tmp_path: Path) -> None:
    log = tmp_path / "night.log"
    log.write_text(
        "  pos/sales: 10 files\n"
        "✓ read extracts                       12.3 s   0.5 GB\n"
        "  took 4.0 s\n"
        "✗ forecast 26 weeks                  240.1 s   3.2 GB\n",
        encoding="utf-8",
    )
    assert project.step_seconds(log) == {"read extracts": 12.3, "forecast 26 weeks": 240.1}
