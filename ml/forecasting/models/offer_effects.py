"""What promotions and prices do to demand: factors on the level around them, learned from history.

What belongs here: estimating the effects, and the factor of an offer. What does not: what is offered when (offers.py),
how far the effects are used (evaluation/offer_worth.py), and days (offer_layer.py).

    demand of a block = level around x (1 + sum over mechanics of uplift x strength + after x ended + slope x cheaper)

strength: share of the block's days on promotion x relative depth. ended: share of the block before on promotion, where
this one is not; below zero it is the dip after a promotion, what was stocked up and is not bought now. cheaper: usual
price / price - 1. level around: mean demand of the series' blocks at rest (not on promotion, nor the block before)
within 13 blocks either way, x how blocks at rest of the same department stand in that block to theirs: so season,
holidays and growth are no uplift.

Effects are least squares with variance in proportion to the level: for one mechanic, (demand on promotion - level) /
level, summed over all blocks on promotion. Those of a product are drawn to its category, those to the department,
those to the company, those to none, as if the group above had been seen on TRUST units of expected demand.

A forecast knows the promotions that its level has seen, so an offer counts against those: factor = what is offered over
what was in the level that trees start from (models/lightgbm.py: half the last 4 blocks, half the last 26).

docs/forecasting.md has the figures, and those of LightGBM with the same as features.
"""

from dataclasses import dataclass

import numpy as np

from ml.forecasting.contract import HORIZON_BLOCKS
from ml.forecasting.features import PRICE, PROMOTION
from ml.forecasting.offers import Offers
from ml.forecasting.panel import Panel, sum_groups

AROUND = 13  # blocks either way
MIN_REST = 4  # blocks at rest around, below which there is no level to compare with
HISTORY = 104  # blocks that effects are learned from
TRUST = 20.0  # squared errors of the demo are the same to 0.1 % with 10 and 50
ENDED, CHEAPER = "ended", "cheaper"
LEVELS = ("total", "department", "category", "sku")
LEVEL_WINDOWS = (4, 26)  # of the level that a forecast starts from, half each
BOUNDS = {ENDED: (-0.9, 1.0), CHEAPER: (0.0, 6.0)}  # of effects; a higher price is never believed to sell more
UPLIFT_BOUNDS = (-0.5, 9.0)
LEAST, MOST = 0.1, 10.0  # of a level lifted by offers, over the level without
_CHUNK = 20_000


@dataclass(frozen=True)
class OfferEffects:
    """names of the regressors; of_product (products, regressors): effects, row = code of the product.

    of_company: those that departments are drawn to. exposure: units of expected demand that each was seen on.
    """

    names: tuple[str, ...]
    of_product: np.ndarray
    of_company: np.ndarray
    exposure: np.ndarray

    def column(self, name: str, sku: np.ndarray) -> np.ndarray:
        """Effect of one regressor on products, by code: (len(sku), 1)."""
        return self.of_product[sku, self.names.index(name)][:, None]


def learn_effects(panel: Panel, offers: Offers) -> OfferEffects:
    """Effects by what the panel knows; offers later than that are not read. What was never seen has the effect 0."""
    names = (
        *offers.strength,
        *((ENDED,) if offers.strength else ()),
        *((CHEAPER,) if offers.price is not None else ()),
    )
    size, skus = len(names), _groups(panel.codes["sku"])
    season = _season(panel, offers)
    gram, moment = np.zeros((skus, size, size)), np.zeros((skus, size))
    for rows in _chunks(panel):
        _add_moments(panel, offers, rows, season, names, gram, moment)
    lower, upper = np.array([BOUNDS.get(name, UPLIFT_BOUNDS) for name in names]).reshape(size, 2).T
    _, member = np.unique(panel.codes["sku"], return_index=True)
    drawn_to, of_company = np.zeros((skus, size)), np.zeros(size)
    for level in LEVELS:
        of_sku = panel.codes[level][member]
        groups = _groups(of_sku)
        seen, wanted = (
            sum_groups(gram.reshape(skus, -1), of_sku).reshape(groups, size, size),
            sum_groups(moment, of_sku),
        )
        above = np.zeros((groups, size))
        above[of_sku] = drawn_to
        found = np.linalg.solve(seen + TRUST * np.eye(size), (wanted + TRUST * above)[:, :, None])[:, :, 0]
        found = np.clip(np.round(found, 6), lower, upper)
        drawn_to = found[of_sku]
        of_company = found[0] if level == "total" and groups else of_company
    return OfferEffects(names, drawn_to, of_company, np.einsum("kii->i", gram))


def promotion_lift(
    effects: OfferEffects, sku: np.ndarray, strength: dict[str, np.ndarray], ended: np.ndarray
) -> np.ndarray:
    """Demand over the level without promotions: (series, columns), of the columns of strength and ended."""
    lift = 1.0 + effects.column(ENDED, sku) * ended
    for name, matrix in strength.items():
        lift = lift + effects.column(name, sku) * matrix
    return np.clip(lift, LEAST, MOST)


def usual_lift(effects: OfferEffects, panel: Panel, offers: Offers, rows: np.ndarray) -> np.ndarray:
    """Promotion lift in the level that a forecast of these series starts from: (rows, 1); 1 for what has not sold."""
    if not offers.strength:
        return np.ones((len(rows), 1))
    last, longest = panel.blocks, max(LEVEL_WINDOWS)
    first = max(last - longest, 0)
    strength, ended = _promoted(offers, rows, first, last)
    lift = promotion_lift(effects, panel.codes["sku"][rows], strength, ended)
    lived = np.arange(first, last)[None, :] >= panel.born[rows][:, None]
    parts = []
    for window in LEVEL_WINDOWS:
        own = slice(max(last - window - first, 0), None)
        count = lived[:, own].sum(axis=1)
        parts.append(np.where(count > 0, (lift * lived)[:, own].sum(axis=1) / np.maximum(count, 1), 1.0))
    return np.mean(parts, axis=0)[:, None]


def promotion_factors(
    effects: OfferEffects, panel: Panel, offers: Offers, rows: np.ndarray, ahead: int = HORIZON_BLOCKS
) -> np.ndarray:
    """What promotions ahead do to block means of some series: (rows, ahead). Beyond the plan, no less than usual."""
    if not offers.strength:
        return np.ones((len(rows), ahead))
    strength, ended = _promoted(offers, rows, panel.blocks, panel.blocks + ahead)
    if not offers.reach:
        ended[:, 0] = 0.0  # nobody knows yet that what was on promotion until now is not on promotion again
    lift = promotion_lift(effects, panel.codes["sku"][rows], strength, ended)
    return against_usual(lift, usual_lift(effects, panel, offers, rows), offers.reach)


def against_usual(lift: np.ndarray, usual: np.ndarray, reach: int) -> np.ndarray:
    """Factor of a lift ahead on a forecast whose level holds the usual one.

    reach: columns that the plan covers. Beyond it the usual is expected, more of it where a promotion is listed already
    and less after that: that others are not listed says nothing there.
    """
    factor = lift / usual
    beyond = np.arange(lift.shape[1])[None, :] >= reach
    return np.where(beyond, np.where(lift > 1.0, np.maximum(factor, 1.0), lift), factor)


def price_factors(
    effects: OfferEffects, panel: Panel, offers: Offers, rows: np.ndarray, ahead: int = HORIZON_BLOCKS
) -> np.ndarray:
    """What prices ahead do to block means of some series, against those in their level: (rows, ahead)."""
    if offers.price is None:
        return np.ones((len(rows), ahead))
    usual = np.mean([_mean_price(offers, rows, panel.blocks, window) for window in LEVEL_WINDOWS], axis=0)
    lift = 1.0 + effects.column(CHEAPER, panel.codes["sku"][rows]) * cheaper(
        usual[:, None], offers.prices_ahead(rows, ahead)
    )
    return np.clip(lift, LEAST, MOST)


FACTORS = {PROMOTION: promotion_factors, PRICE: price_factors}


def cheaper(usual: np.ndarray, price: np.ndarray) -> np.ndarray:
    """usual / price - 1, within -0.5 … 1; 0 where either is unknown."""
    ratio = np.divide(usual, price, out=np.ones(np.broadcast(usual, price).shape), where=np.isfinite(price))
    return np.clip(np.where(np.isfinite(ratio), ratio - 1.0, 0.0), -0.5, 1.0)


def ended_before(on: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Share of the time before on promotion, where there is none now."""
    return np.minimum(before, 1.0) * (1.0 - np.minimum(on, 1.0))


def _promoted(offers: Offers, rows: np.ndarray, first: int, last: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """(strength by mechanic, ended) in columns first … last - 1; what lies beyond the offers is not promoted."""
    start = max(first - 1, 0)
    wide = {}
    for name, matrix in offers.strength.items():
        known = matrix[rows, start:last].astype(np.float64)
        wide[name] = np.pad(known, ((0, 0), (start - first + 1, last - start - known.shape[1])))
    on = np.sum(list(wide.values()), axis=0)
    return {name: values[:, 1:] for name, values in wide.items()}, ended_before(on[:, 1:], on[:, :-1])


def _mean_price(offers: Offers, rows: np.ndarray, blocks: int, window: int) -> np.ndarray:
    assert offers.price is not None
    price = offers.price[rows, max(blocks - window, 0) : blocks].astype(np.float64)
    known = np.isfinite(price)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, price, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _groups(codes: np.ndarray) -> int:
    return int(codes.max()) + 1 if len(codes) else 0


def _chunks(panel: Panel) -> list[np.ndarray]:
    return [np.arange(k, min(k + _CHUNK, panel.series)) for k in range(0, panel.series, _CHUNK)]


def _around_levels(
    panel: Panel, offers: Offers, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """(level around, is at rest, regressors by name) of the last HISTORY blocks; level NaN where there is none."""
    first, last = max(panel.blocks - HISTORY, 0), panel.blocks
    demand = panel.demand[rows, first:].astype(np.float64)
    # the block of the first sale is there because it sold, so it is neither compared nor compared with
    lived = np.arange(first, last)[None, :] > panel.born[rows][:, None]
    rest, made = lived.copy(), {}
    if offers.strength:
        strength, ended = _promoted(offers, rows, first, last)
        made = {**strength, ENDED: ended}
        for matrix in made.values():
            rest &= matrix == 0.0
    level = _mean_around(demand, rest)
    if offers.price is not None:
        price = offers.price[rows, first:last].astype(np.float64)
        made[CHEAPER] = cheaper(_mean_around(price, rest & np.isfinite(price)), price)
    return np.where(lived, level, np.nan), rest, made


def _mean_around(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Mean of the counted values within AROUND columns of each; NaN with fewer than MIN_REST."""
    columns = values.shape[1]
    at = np.arange(columns)
    end, start = np.minimum(at + AROUND + 1, columns), np.maximum(at - AROUND, 0)

    def total(matrix: np.ndarray) -> np.ndarray:
        running = np.zeros((len(matrix), columns + 1))
        np.cumsum(matrix, axis=1, out=running[:, 1:])
        return running[:, end] - running[:, start]

    count = total(counted.astype(np.float64))
    return np.where(count >= MIN_REST, total(np.where(counted, values, 0.0)) / np.maximum(count, 1.0), np.nan)


def _season(panel: Panel, offers: Offers) -> np.ndarray:
    """Demand at rest over the levels around, by department and block of the last HISTORY; 1 where nothing rests."""
    codes, columns = panel.codes["department"], min(panel.blocks, HISTORY)
    came, usual = np.zeros((_groups(codes), columns)), np.zeros((_groups(codes), columns))
    for rows in _chunks(panel):
        level, rest, _ = _around_levels(panel, offers, rows)
        usable = rest & np.isfinite(level)
        for target, values in ((came, panel.demand[rows, panel.blocks - columns :]), (usual, level)):
            part = sum_groups(np.where(usable, values, 0.0), codes[rows])
            target[: len(part)] += part
    return np.where(usual > 0, came / np.where(usual > 0, usual, 1.0), 1.0)


def _add_moments(
    panel: Panel,
    offers: Offers,
    rows: np.ndarray,
    season: np.ndarray,
    names: tuple[str, ...],
    gram: np.ndarray,
    moment: np.ndarray,
) -> None:
    """Add the normal equations of some series to those of their products."""
    level, _, made = _around_levels(panel, offers, rows)
    expected = level * season[panel.codes["department"][rows]]
    is_offered = np.any([matrix != 0.0 for matrix in made.values()], axis=0)
    row, column = np.nonzero(is_offered & np.isfinite(expected))
    sku, usual = panel.codes["sku"][rows][row], expected[row, column]
    excess = panel.demand[rows[row], column + panel.blocks - expected.shape[1]] - usual
    values = [made[name][row, column] for name in names]
    for i, one in enumerate(values):
        moment[:, i] += np.bincount(sku, excess * one, minlength=len(moment))
        for j in range(i, len(values)):
            amount = np.bincount(sku, usual * one * values[j], minlength=len(gram))
            gram[:, i, j] += amount
            if j != i:
                gram[:, j, i] += amount
