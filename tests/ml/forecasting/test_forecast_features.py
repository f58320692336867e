"""Features against a plain, slow reading of their definitions; nothing after the origin may be seen."""

import numpy as np
import polars as pl
import pytest
from small_companies import AS_OF, make_history, make_series

from ml.forecasting.features import YEAR, FeatureStore, feature_names
from ml.forecasting.panel import Panel, build_panel

COUNT, DAYS = 12, 7 * 130


@pytest.fixture(scope="module")
def panel() -> Panel:
    return build_panel(make_series(COUNT), make_history(COUNT, DAYS), AS_OF)


def log_ratio(one: float, other: float) -> float:
    return float(np.clip(np.log((one + 0.05) / (other + 0.05)), -3, 3))


def oracle(panel: Panel, i: int, origin: int, horizon: int) -> dict[str, float]:
    """Straight from the definitions, one row at a time."""
    past = panel.demand[i, :origin].astype(float)
    sold = np.flatnonzero(past)
    alive = past[sold[0] :] if len(sold) else past[:0]
    department = panel.demand[panel.codes["department"] == panel.codes["department"][i], :origin].sum(axis=0)
    result = {f"level_{w}": np.log1p(alive[-w:].mean()) for w in (1, 2, 4, 8, 13, 26, 52)}
    result["sold_share_13"] = (alive[-13:] > 0).mean()
    result["spread_13"] = alive[-13:].std() / (alive[-13:].mean() + 0.1)
    result["age"] = len(alive)
    result["since_sale"] = origin - 1 - sold[-1]
    result["horizon"] = horizon
    target, then = origin + horizon - 1 - YEAR, origin - YEAR
    known = target - 1 >= panel.born[i]
    result["year_ago"] = np.log1p(past[target]) if known else np.nan
    result["year_ago_near"] = np.log1p(past[target - 1 : target + 2].mean()) if known else np.nan
    ratio = (department[target - 1 : target + 2].mean() + 0.05) / (department[max(then - 13, 0) : then].mean() + 0.05)
    result["season_department"] = np.log(ratio) if then >= 8 else np.nan
    recent, before = department[-13:].sum() + 0.05, department[then - 13 : then].sum() + 0.05
    result["growth_department"] = np.log(recent / before) if then >= 13 else np.nan
    result |= {f"block_{k}": np.log1p(past[origin - k]) for k in (2, 3, 4)}
    product = panel.demand[panel.codes["sku"] == panel.codes["sku"][i], :origin].sum(axis=0, dtype=float)
    near = panel.codes["region_sku"] == panel.codes["region_sku"][i]
    region = panel.demand[near, :origin].sum(axis=0, dtype=float)
    for name, demand in (("sku", product), ("region_sku", region)):
        for new, old in ((1, 13), (2, 8), (13, 52)):
            result[f"{name}_{new}_{old}"] = log_ratio(demand[-new:].mean(), demand[-old:].mean())
    share = [log_ratio(alive[-window:].mean(), product[-window:].mean()) for window in (4, 26)]
    result["sku_share_4_26"] = share[0] - share[1]
    return result


def test_features_match_the_oracle(panel: Panel) -> None:
    rng = np.random.default_rng(0)
    store = FeatureStore(panel)
    origin = rng.integers(70, panel.blocks + 1, 60)
    series = rng.integers(0, COUNT, 60)
    usable = panel.born[series] < origin
    series, origin = series[usable], origin[usable]
    horizon = rng.integers(1, 28, len(series))
    table = pl.DataFrame(store.matrix(series, origin, horizon), schema=feature_names())
    for row in range(len(series)):
        expected = oracle(panel, int(series[row]), int(origin[row]), int(horizon[row]))
        found = table.row(row, named=True)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=2e-4, abs=2e-4, nan_ok=True), (
                name,
                series[row],
                origin[row],
            )


def test_nothing_after_the_origin_is_seen(panel: Panel) -> None:
    origin = 100
    changed = panel.demand.copy()
    changed[:, origin:] = changed[::-1, origin:] * 7 + 3
    other = Panel(panel.cutoff, changed, panel.born, panel.codes, labels=panel.labels)
    alive = np.flatnonzero(panel.born < origin)
    rows, ahead = np.repeat(alive, 27), np.tile(np.arange(1, 28), len(alive))
    at = np.full(len(rows), origin)
    one, two = (FeatureStore(each).matrix(rows, at, ahead) for each in (panel, other))
    np.testing.assert_array_equal(one, two)


def test_an_earlier_panel_gives_the_same_features_as_the_origin_inside(panel: Panel) -> None:
    past = panel.earlier(20)
    alive = np.flatnonzero(past.born < past.blocks)
    at, ahead = np.full(len(alive), past.blocks), np.full(len(alive), 5)
    inside, alone = (FeatureStore(each).matrix(alive, at, ahead) for each in (panel, past))
    np.testing.assert_allclose(inside, alone, rtol=1e-6, atol=1e-6)


def test_blocks_end_on_the_cutoff_and_sum_the_history() -> None:
    history = make_history(COUNT, DAYS)
    panel = build_panel(make_series(COUNT), history, AS_OF)
    last = history.filter(pl.col("date") > AS_OF - pl.duration(days=7), pl.col("series_id") == COUNT)["quantity"].sum()
    assert panel.demand[COUNT - 1, -1] == last
    whole = history.filter(pl.col("date") >= panel.block_start(0))["quantity"].sum()
    assert panel.demand.sum() == whole
    assert history.height - history.filter(pl.col("date") >= panel.block_start(0)).height < 7 * COUNT
    assert panel.earlier(3).cutoff.toordinal() == AS_OF.toordinal() - 21
