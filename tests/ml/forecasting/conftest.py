"""Settings small enough for tests."""

import pytest

from ml.forecasting.settings import ForecastSettings


@pytest.fixture(scope="session")
def settings() -> ForecastSettings:
    return ForecastSettings(
        threads=1, trees=15, leaves=15, train_rows=6_000, backtest_rows=6_000, min_train_rows=500, chunk_series=100
    )
