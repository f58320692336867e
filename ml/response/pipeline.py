"""From weeks of sales and prices to elasticities, uplifts and what else an offer does, each with its interval.

What belongs here: the order of the estimates, and the two tables they end in. What does not: each estimate (a module).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ml.response.cross_effects import cross_effects
from ml.response.panel import DISCOUNT, ENDED, LEVELS, MECHANIC, PRICE, TREND, WeekPanel, lay_out, with_stock
from ml.response.parts import has_parts, of_whole_weeks
from ml.response.regression import Fit, Prior, fit_products, vague_prior
from ml.response.shrinkage import Drawn, draw_together

NORMAL_90 = 1.6448536269514722  # standard normal quantile at 0.95
_MOVED = 0.02  # of the log price: what is less is rounding
_LEAST_SD = 0.05  # of a prior: groups of two alike are no certainty
_SEEN = 0.5  # of the vague variance: above it a product has shown nothing by itself
# standard deviations from the group beyond which an estimate is not believed: in the benchmark's shops products came to
# more places, or were away for weeks, on the day their price changed, which alone can look like an elasticity of 14
_IMPLAUSIBLE = 3.0
_PINNED = 1e-3
_DEPTHS = (10, 20, 30, 40, 50)
_ESTIMATE = ("elasticity", "elasticity_low", "elasticity_high")
PRICE_RESPONSE_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "sku_id": pl.String,
        "department": pl.String,
        "category": pl.String,
        **dict.fromkeys(_ESTIMATE, pl.Float64),
        "elasticity_sd": pl.Float64,
        "own_elasticity": pl.Float64,
        "own_elasticity_sd": pl.Float64,
        "group_elasticity": pl.Float64,
        "group_elasticity_sd": pl.Float64,
        "own_weight_share": pl.Float64,
        "discount_elasticity": pl.Float64,
        "discount_elasticity_low": pl.Float64,
        "discount_elasticity_high": pl.Float64,
        "discount_elasticity_sd": pl.Float64,
        "dip_elasticity": pl.Float64,
        "weeks_seen": pl.Int64,
        "units_seen_qty": pl.Float64,
        "price_change_count": pl.Int64,
        "discounted_weeks": pl.Int64,
        "most_units_qty": pl.Float64,
        "deepest_off_share": pl.Float64,
        "usual_price": pl.Float64,
        "is_conclusive": pl.Boolean,
        "reason_codes": pl.String,
    }
)
PROMOTION_RESPONSE_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "level": pl.String,
        "node": pl.String,
        "effect": pl.String,
        "mechanic": pl.String,
        "off_share": pl.Float64,
        "effect_pct": pl.Float64,
        "effect_low_pct": pl.Float64,
        "effect_high_pct": pl.Float64,
        "product_weeks_seen": pl.Int64,
    }
)

MECHANIC_RESPONSE_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("sku_id", "mechanic"), pl.String),
        **dict.fromkeys(("effect", "effect_low", "effect_high"), pl.Float64),
    }
)
GROUP_RESPONSE_SCHEMA = pl.Schema(
    {
        "department": pl.String,
        "category": pl.String,
        **dict.fromkeys(
            ("elasticity", "elasticity_sd", "discount_elasticity", "discount_elasticity_sd", "dip_elasticity"),
            pl.Float64,
        ),
    }
)


@dataclass(frozen=True)
class Response:
    """products: PRICE_RESPONSE_SCHEMA, a row a product. promotions: PROMOTION_RESPONSE_SCHEMA.

    mechanics: MECHANIC_RESPONSE_SCHEMA, what each adds to the log of a product's demand where it holds, beside any
    discount, with its 90 % interval.

    groups: GROUP_RESPONSE_SCHEMA, what is believed of a product without weeks of its own: by category, by department
    (category null), of the company (both null)."""

    products: pl.DataFrame
    promotions: pl.DataFrame
    mechanics: pl.DataFrame
    groups: pl.DataFrame


def estimate_response(
    weeks: pl.DataFrame, mechanics: pl.DataFrame, products: pl.DataFrame, as_of: date
) -> Response | None:
    """Estimate everything; None where no product has weeks. Frames and errors as panel.lay_out.

    An elasticity is conclusive where its whole 90 % interval lies below zero.
    """
    weeks = with_stock(weeks)
    if weeks.is_empty():
        return None
    panel = lay_out(weeks, mechanics, products)
    vague = vague_prior(panel)
    # first what each product shows by itself, then with what its group says as prior of all its coefficients together
    own, drawn = _by_itself(panel, vague)
    if has_parts(panel):
        panel = of_whole_weeks(panel, {name: found.group_mean for name, found in drawn.items() if found})
        own, drawn = _by_itself(panel, vague)
    prior = Prior(vague.mean.copy(), vague.sd.copy())
    believed = [(column, found) for column, name in enumerate(panel.names) if (found := drawn[name])]
    for column, found in believed:
        held = np.where(_in_doubt(*own[column], found), _PINNED, np.maximum(found.group_sd, _LEAST_SD))
        prior.mean[:, column], prior.sd[:, column] = found.group_mean, held
    fit = fit_products(panel, prior)
    for column, found in believed:
        doubted = _in_doubt(*own[column], found)
        fit.variances[doubted, column] = found.group_sd[doubted] ** 2
    return Response(
        _products(panel, fit, drawn, own, as_of),
        _promotions(panel, fit, drawn, as_of),
        _mechanics(panel, fit, drawn),
        _groups(panel, drawn),
    )


Own = tuple[np.ndarray, np.ndarray]


def _by_itself(panel: WeekPanel, vague: Prior) -> tuple[list[Own], dict[str, Drawn | None]]:
    """What each product shows of each regressor, and these drawn together."""
    fit = fit_products(panel, vague)
    own = [_own(fit, vague, column) for column in range(len(panel.names))]
    return own, {name: _drawn(panel, *own[column]) for column, name in enumerate(panel.names)}


def _own(fit: Fit, vague: Prior, column: int) -> Own:
    """A product's own estimate and variance, with the vague prior taken out again; infinite where it showed nothing."""
    before = vague.sd[:, column] ** 2
    variance = np.maximum(fit.variances[:, column], 1e-9)
    seen = variance < _SEEN * before
    precision = np.where(seen, 1.0 / variance - 1.0 / before, 1.0)
    own = np.where(seen, fit.coefficients[:, column] / variance / precision, np.nan)
    return own, np.where(seen, 1.0 / precision, np.inf)


def _drawn(panel: WeekPanel, own: np.ndarray, variance: np.ndarray) -> Drawn | None:
    """Estimates of one regressor drawn together, without those in doubt; None where no product has shown anything."""
    seen = np.isfinite(variance)
    levels = [panel.department, panel.category]
    while seen.any():
        known = [np.unique(level[seen], return_inverse=True) for level in levels]
        found = draw_together(own[seen], variance[seen], [codes for _, codes in known])
        whole = _of_all(found, seen, levels, [groups for groups, _ in known])
        kept = seen & ~_in_doubt(own, variance, whole)
        if kept.sum() == seen.sum():
            return whole
        seen = kept
    return None


def _in_doubt(own: np.ndarray, variance: np.ndarray, drawn: Drawn) -> np.ndarray:
    """Products that show what their group makes all but impossible: something else changed on the day the price did."""
    far = _IMPLAUSIBLE * np.sqrt(np.where(np.isfinite(variance), variance, 0.0) + drawn.group_sd**2)
    return np.isfinite(variance) & (np.abs(own - drawn.group_mean) > far)


def _of_all(found: Drawn, seen: np.ndarray, levels: list[np.ndarray], known: list[np.ndarray]) -> Drawn:
    """The estimates of all products and groups: what has shown nothing is what the nearest group that did says."""
    size = len(seen)
    mean, sd = np.full(size, found.top_mean), np.full(size, found.top_sd)
    by_level = []
    for level, groups, (value, uncertain) in zip(levels, known, found.by_level, strict=True):
        count = int(level.max()) + 1
        at = np.full(count, -1)
        at[groups] = np.arange(len(groups))
        has = at[level] >= 0
        mean = np.where(has, value[at[level]], mean)
        sd = np.where(has, uncertain[at[level]], sd)
        whole = np.full((2, count), np.nan)
        whole[0, groups], whole[1, groups] = value, uncertain
        by_level.append((whole[0], whole[1]))
    group_sd = np.sqrt(sd**2 + found.spread**2)
    own_mean, own_sd = mean.copy(), group_sd.copy()
    own_mean[seen], own_sd[seen] = found.mean, found.sd
    return Drawn(own_mean, own_sd, mean, group_sd, tuple(by_level), found.top_mean, found.top_sd, found.spread)


def _products(panel: WeekPanel, fit: Fit, drawn: dict[str, Drawn | None], own: list[Own], as_of: date) -> pl.DataFrame:
    price = drawn[PRICE]
    own_price, variance = own[panel.names.index(PRICE)]
    own_sd = np.where(np.isfinite(variance), np.sqrt(variance), np.nan)
    doubted = _in_doubt(own_price, variance, price) if price else np.zeros(len(own_price), dtype=bool)
    unknown = np.full(len(panel.skus), np.nan)
    frame = pl.DataFrame(
        {
            "sku_id": panel.skus,
            "department": panel.departments.gather(panel.department),
            "category": panel.categories.gather(panel.category).str.split("\x1f").list.last(),
            **_interval("elasticity", panel, fit, drawn, PRICE),
            "own_elasticity": own_price,
            "own_elasticity_sd": own_sd,
            "is_doubted": doubted,
            "group_elasticity": price.group_mean if price else unknown,
            "group_elasticity_sd": price.group_sd if price else unknown,
            **_interval("discount_elasticity", panel, fit, drawn, DISCOUNT),
            "dip_elasticity": fit.coefficients[:, panel.names.index(ENDED)] if drawn[ENDED] else unknown,
            **_evidence(panel, fit),
        }
    ).with_columns(pl.col(pl.Float64).fill_nan(None))
    group, sd = pl.col("group_elasticity_sd"), pl.col("own_elasticity_sd")
    return (
        frame.with_columns(
            as_of=pl.lit(as_of),
            own_weight_share=pl.when("is_doubted").then(0.0).otherwise(group**2 / (group**2 + sd**2)).fill_null(0.0),
            is_conclusive=(pl.col("elasticity_high") < 0).fill_null(False),
        )
        .with_columns(reason_codes=_codes())
        .select(pl.col(name).cast(kind) for name, kind in PRICE_RESPONSE_SCHEMA.items())
        .with_columns(pl.col(pl.Float64).round(6))
        .sort("sku_id")
    )


def _interval(
    said: str, panel: WeekPanel, fit: Fit, drawn: dict[str, Drawn | None], name: str
) -> dict[str, np.ndarray]:
    column = panel.names.index(name)
    known = drawn[name] is not None
    mean = fit.coefficients[:, column] if known else np.full(len(panel.skus), np.nan)
    sd = np.sqrt(fit.variances[:, column])
    return {said: mean, f"{said}_low": mean - NORMAL_90 * sd, f"{said}_high": mean + NORMAL_90 * sd, f"{said}_sd": sd}


def _groups(panel: WeekPanel, drawn: dict[str, Drawn | None]) -> pl.DataFrame:
    """What is believed of a product without weeks of its own; its sd holds how products vary around their group."""
    category = panel.categories.str.split("\x1f")
    nodes: list[tuple[str | None, str | None, int, int]] = [(None, None, -1, 0)]
    nodes += [(department, None, 0, code) for code, department in enumerate(panel.departments)]
    nodes += [(*name, 1, code) for code, name in enumerate(category)]
    rows = [
        (
            department,
            own,
            *_believed(drawn[PRICE], at, code),
            *_believed(drawn[DISCOUNT], at, code),
            _believed(drawn[ENDED], at, code)[0],
        )
        for department, own, at, code in nodes
    ]
    frame = pl.DataFrame(rows, schema=GROUP_RESPONSE_SCHEMA, orient="row")
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None).round(6)).sort("department", "category")


def _believed(drawn: Drawn | None, level: int, code: int) -> tuple[float, float]:
    """(mean, sd) of a product of a group; level -1: the company. NaN where nothing is known."""
    if drawn is None:
        return np.nan, np.nan
    if level < 0:
        return drawn.top_mean, float(np.hypot(drawn.top_sd, drawn.spread))
    mean, sd = drawn.by_level[level]
    return float(mean[code]), float(np.hypot(sd[code], drawn.spread))


def _codes() -> pl.Expr:
    parts = [
        (pl.col("elasticity").is_null(), "no_price_moved"),
        (pl.col("own_elasticity").is_null() & pl.col("elasticity").is_not_null(), "from_its_group"),
        (pl.col("is_doubted"), "own_not_believed"),
        (~pl.col("is_conclusive") & pl.col("elasticity").is_not_null(), "interval_says_nothing"),
    ]
    return pl.concat_str([pl.when(on).then(pl.lit(code)) for on, code in parts], separator=";", ignore_nulls=True)


def _evidence(panel: WeekPanel, fit: Fit) -> dict[str, np.ndarray]:
    count = len(panel.skus)
    price, discount = panel.values[:, panel.names.index(PRICE)], panel.depth
    is_same = (panel.zone[1:] == panel.zone[:-1]) & (panel.week[1:] > panel.week[:-1])
    moved = np.concatenate([[False], is_same & (np.abs(np.diff(price)) > _MOVED)])
    last = np.concatenate([panel.sku[1:] != panel.sku[:-1], [True]])
    return {
        "weeks_seen": fit.weeks,
        "units_seen_qty": np.bincount(panel.sku, panel.units, minlength=count),
        "price_change_count": np.bincount(panel.sku, moved, minlength=count),
        "discounted_weeks": np.bincount(panel.sku, discount > 0, minlength=count),
        "most_units_qty": _most(panel.sku * panel.weeks + panel.week, panel.units, panel.weeks, count),
        "deepest_off_share": -np.expm1(-_largest(panel.sku, discount, count)),
        "usual_price": panel.price[last],
    }


def _most(cell: np.ndarray, units: np.ndarray, weeks: int, count: int) -> np.ndarray:
    """Most units of a product in a week, all its zones together."""
    total = np.bincount(cell, units)
    seen = np.unique(cell)
    return _largest(seen // weeks, total[seen], count)


def _largest(sku: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    most = np.zeros(count)
    np.maximum.at(most, sku, values)
    return most


def _promotions(panel: WeekPanel, fit: Fit, drawn: dict[str, Drawn | None], as_of: date) -> pl.DataFrame:
    effect, variance = cross_effects(panel, fit)
    rows = [row for name, found in drawn.items() if found for row in _uplifts(panel, name, found)]
    rows += list(_cross_rows(panel, effect, variance))
    columns = [name for name in PROMOTION_RESPONSE_SCHEMA if name != "as_of"]
    frame = pl.DataFrame(rows, schema={name: PROMOTION_RESPONSE_SCHEMA[name] for name in columns}, orient="row")
    frame = frame.with_columns(pl.col(pl.Float64).round(4), as_of=pl.lit(as_of))
    return frame.select(PROMOTION_RESPONSE_SCHEMA.names()).sort("level", "node", "effect", "mechanic", "off_share")


def _mechanics(panel: WeekPanel, fit: Fit, drawn: dict[str, Drawn | None]) -> pl.DataFrame:
    parts = [
        pl.DataFrame({"sku_id": panel.skus, **_interval("effect", panel, fit, drawn, name)}).with_columns(
            mechanic=pl.lit(name.removeprefix(MECHANIC))
        )
        for name in panel.names
        if name.startswith(MECHANIC) and drawn[name]
    ]
    rows = pl.concat([MECHANIC_RESPONSE_SCHEMA.to_frame(), *(part.select(*MECHANIC_RESPONSE_SCHEMA) for part in parts)])
    return rows.with_columns(pl.col(pl.Float64).round(6)).sort("sku_id", "mechanic")


Row = tuple[str, str, str, str, float | None, float, float, float, int]


def _uplifts(panel: WeekPanel, name: str, drawn: Drawn) -> Iterator[Row]:
    """Uplift of a mechanic, or of a discount by depth, and the dip after it: company and departments."""
    if name in (PRICE, TREND):
        return
    values = panel.depth if name == DISCOUNT else panel.values[:, panel.names.index(name)]
    means, sds = drawn.by_level[0]
    nodes: list[tuple[str, str, float, float, np.ndarray]] = [
        ("total", "total", drawn.top_mean, drawn.top_sd, np.ones(len(values), dtype=bool))
    ]
    for code, department in enumerate(panel.departments):
        if np.isfinite(means[code]):
            nodes.append((LEVELS[0], department, means[code], sds[code], panel.department[panel.sku] == code))
    for level, node, mean, sd, inside in nodes:
        if name.startswith(MECHANIC):
            seen = int((values[inside] > 0).sum())
            yield (level, node, "uplift", name.removeprefix(MECHANIC), None, *_shares(mean, sd, 1.0), seen)
            continue
        effect = "uplift" if name == DISCOUNT else "dip_after"
        for depth in _DEPTHS:
            size = -np.log1p(-depth / 100)
            near = (values[inside] > -np.log1p(-(depth - 5) / 100)) & (values[inside] <= -np.log1p(-(depth + 5) / 100))
            yield (level, node, effect, "discount", depth / 100, *_shares(mean, sd, size), int(near.sum()))


def _shares(mean: float, sd: float, size: float) -> tuple[float, float, float]:
    """An effect on the log of demand in percent: (mean, low, high)."""
    at = (mean, mean - NORMAL_90 * sd, mean + NORMAL_90 * sd)
    first, low, high = (100.0 * float(np.expm1(value * size)) for value in at)
    return first, low, high


def _cross_rows(panel: WeekPanel, effect: np.ndarray, variance: np.ndarray) -> Iterator[Row]:
    """Units of the rest of the category a unit brought, in percent: company and departments."""
    seen = np.isfinite(variance)
    if not seen.any():
        return
    department = np.zeros(len(panel.categories), dtype=np.int64)
    department[panel.category] = panel.department
    groups, codes = np.unique(department[seen], return_inverse=True)
    found = draw_together(effect[seen], variance[seen], [codes])
    count = int(seen.sum())
    yield ("total", "total", "rest_of_category", "any", None, *_points(found.top_mean, found.top_sd), count)
    for code, mean, sd in zip(groups, *found.by_level[0], strict=True):
        own = int((department[seen] == code).sum())
        yield (LEVELS[0], panel.departments[int(code)], "rest_of_category", "any", None, *_points(mean, sd), own)


def _points(mean: float, sd: float) -> tuple[float, float, float]:
    return 100.0 * float(mean), 100.0 * float(mean - NORMAL_90 * sd), 100.0 * float(mean + NORMAL_90 * sd)
