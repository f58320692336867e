"""The night's prices and promotions on its daily means, and the forecast with and without each promotion.

What belongs here: effects by day, and the table `forecast_promotions`. What does not: what the effects are
(models/offer_effects.py), and how far they are used (evaluation/offer_worth.py).

Effects come after reconciliation: the aggregates know of the offers that there usually are, and an offer beyond the
usual is not drawn back to them. They act on days, so a promotion from Thursday on lifts its days and no others.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.forecasting.daily import HORIZON_DAYS, DayShares
from ml.forecasting.edits import EditLayer
from ml.forecasting.evaluation.offer_worth import OfferWeights, powers
from ml.forecasting.features import PRICE, PROMOTION
from ml.forecasting.models.offer_effects import (
    OfferEffects,
    against_usual,
    ended_before,
    learn_effects,
    price_factors,
    promotion_lift,
    usual_lift,
)
from ml.forecasting.offers import MAX_STRENGTH, NightOffers, spread
from ml.forecasting.panel import BLOCK_DAYS, Panel

PROMOTED_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "sku_id": pl.String,
        "location_id": pl.String,
        "promotion_id": pl.String,
        "mechanic": pl.String,
        "starts_on": pl.Date,
        "ends_on": pl.Date,
        "covers_from": pl.Date,
        "covers_to": pl.Date,
        "with_qty": pl.Float64,
        "without_qty": pl.Float64,
        "uplift_qty": pl.Float64,
        "after_qty": pl.Float64,
    }
)
AFTER_DAYS = BLOCK_DAYS
_CHUNK = 5_000  # promotions of products at places looked at together


@dataclass(frozen=True)
class OfferLayer:
    """What the offers of a night do. Made by `offer_layer`; without offers, or with all weights 0, it does nothing.

    weights: of the effects by kind and band; effects: None where none is used.
    """

    panel: Panel
    offers: NightOffers | None
    effects: OfferEffects | None
    weights: OfferWeights

    def priced(self, means: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Daily means (len(rows), HORIZON_DAYS) with the effect of prices; rows: the series that means are of."""
        if self.offers is None or self.effects is None or not self._acts(PRICE):
            return means
        factors = price_factors(self.effects, self.panel, self.offers.blocks, rows)
        return means * np.repeat(factors ** powers(self.weights[PRICE]), BLOCK_DAYS, axis=1)

    def apply(self, means: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Daily means with the effects of prices and promotions; rows (no repeats): the series that means are of."""
        priced = self.priced(means, rows)
        if self.offers is None or self.effects is None or not self._acts(PROMOTION):
            return priced
        touched = np.arange(len(rows))
        if not self.offers.blocks.reach:  # without a plan in full only what is listed changes anything
            listed = self.offers.planned.filter(pl.col("ends_on") > self.panel.cutoff)["series_id"].to_numpy()
            touched = np.flatnonzero(np.isin(rows + 1, listed))
        if not len(touched):
            return priced
        result = priced.copy()
        result[touched] *= self._promoted(rows[touched], self._strength_days(rows[touched]))
        return result

    def _acts(self, kind: str) -> bool:
        return any(self.weights.get(kind, {}).values())

    def _strength_days(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Strength by mechanic of each day from as_of - 6 to the end of the horizon."""
        assert self.offers is not None
        places = pl.DataFrame({"series_id": (rows + 1).astype(np.int32), "place": np.arange(1, len(rows) + 1)})
        own = self.offers.planned.join(places, on="series_id", maintain_order="left").with_columns(series_id="place")
        start, shape = self.panel.cutoff - timedelta(days=AFTER_DAYS - 1), (len(rows), AFTER_DAYS + HORIZON_DAYS)
        return {
            name: spread(own.filter(pl.col("mechanic") == name), ("starts_on", "ends_on"), "strength", shape, start, 1)
            for name in self.offers.blocks.strength
        }

    def _promoted(self, rows: np.ndarray, strength: dict[str, np.ndarray]) -> np.ndarray:
        """Weighted factor of each day ahead, from strengths as of `_strength_days` (rows of both agree)."""
        assert self.offers is not None
        assert self.effects is not None
        strength = {name: np.clip(days, 0.0, MAX_STRENGTH) for name, days in strength.items()}
        on = np.minimum(np.sum(list(strength.values()), axis=0), 1.0)
        seen = on.copy()
        if not self.offers.blocks.reach:
            seen[:, :AFTER_DAYS] = 0.0  # as in offer_effects.promotion_factors
        running = np.concatenate([np.zeros((len(on), 1)), np.cumsum(seen, axis=1)], axis=1)
        before = (running[:, AFTER_DAYS:-1] - running[:, :HORIZON_DAYS]) / AFTER_DAYS
        ahead = {name: days[:, AFTER_DAYS:] for name, days in strength.items()}
        lift = promotion_lift(
            self.effects, self.panel.codes["sku"][rows], ahead, ended_before(on[:, AFTER_DAYS:], before)
        )
        usual = usual_lift(self.effects, self.panel, self.offers.blocks, rows)
        factor = against_usual(lift, usual, self.offers.blocks.reach * BLOCK_DAYS)
        return factor ** np.repeat(powers(self.weights[PROMOTION]), BLOCK_DAYS)

    def without_each(self, rows: np.ndarray, own: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """(factor of promotions with, without the promotion) for each row of `own`; rows: its series, may repeat."""
        if not self._acts(PROMOTION):
            ones = np.ones((len(rows), HORIZON_DAYS))
            return ones, ones
        unique, back = np.unique(rows, return_inverse=True)
        strength = {name: days[back] for name, days in self._strength_days(unique).items()}
        start = self.panel.cutoff - timedelta(days=AFTER_DAYS - 1)
        lines = own.with_columns(series_id=pl.int_range(1, pl.len() + 1))
        shape = (own.height, AFTER_DAYS + HORIZON_DAYS)
        mechanic = own["mechanic"].to_numpy()
        days = spread(lines, ("starts_on", "ends_on"), "strength", shape, start, 1)
        left = {name: matrix - days * (mechanic == name)[:, None] for name, matrix in strength.items()}
        return self._promoted(rows, strength), self._promoted(rows, left)


def offer_layer(panel: Panel, offers: NightOffers | None, weights: OfferWeights) -> OfferLayer:
    """The layer of a night. Effects are learned anew each night, as the regression's are: a closed form, seconds."""
    if offers is None:
        return OfferLayer(panel, None, None, weights)
    has_plan = offers.blocks.reach > 0 or offers.planned.filter(pl.col("ends_on") > panel.cutoff).height > 0
    acting = [kind for kind, of_band in weights.items() if any(of_band.values())]
    if PRICE not in acting and not (PROMOTION in acting and has_plan):
        return OfferLayer(panel, None, None, {})
    return OfferLayer(panel, offers, learn_effects(panel, offers.blocks), weights)


def promotions_table(
    series: pl.DataFrame,
    night: NightOffers | None,
    layer: OfferLayer,
    blocks: np.ndarray,
    shares: DayShares,
    edits: EditLayer,
    as_of: date,
) -> pl.DataFrame:
    """One row a promotion and series that has a day of it ahead (PROMOTED_SCHEMA).

    with_qty: mean demand of the days covered, as published; without_qty: the same without this promotion, all others
    as they are; after_qty: what it changes in the seven days after it. blocks: block means before any offer.
    """
    if night is None:
        return pl.DataFrame(schema=PROMOTED_SCHEMA)
    last = as_of + timedelta(days=HORIZON_DAYS)
    listed = night.planned.filter(pl.col("ends_on") > as_of, pl.col("starts_on") <= last)
    parts = [_with_and_without(series, own, layer, blocks, shares, edits, as_of) for own in listed.iter_slices(_CHUNK)]
    return pl.concat(parts) if parts else pl.DataFrame(schema=PROMOTED_SCHEMA)


def _with_and_without(
    series: pl.DataFrame,
    own: pl.DataFrame,
    layer: OfferLayer,
    blocks: np.ndarray,
    shares: DayShares,
    edits: EditLayer,
    as_of: date,
) -> pl.DataFrame:
    rows = own["series_id"].to_numpy().astype(np.int64) - 1
    base = layer.priced(shares.split(blocks[rows].astype(np.float64), rows), rows)
    made = [edits.apply(base * factor, rows) for factor in layer.without_each(rows, own)]
    start = np.maximum((own["starts_on"] - as_of).dt.total_days().to_numpy() - 1, 0)
    end = np.minimum((own["ends_on"] - as_of).dt.total_days().to_numpy(), HORIZON_DAYS)
    during = [_sums(means, start, end) for means in made]
    after = [_sums(means, end, np.minimum(end + AFTER_DAYS, HORIZON_DAYS)) for means in made]
    first = pl.lit(as_of, dtype=pl.Date)
    return own.select(
        as_of=first,
        sku_id=series["sku_id"].gather(rows),
        location_id=series["location_id"].gather(rows),
        promotion_id="promotion_id",
        mechanic="mechanic",
        starts_on="starts_on",
        ends_on="ends_on",
        covers_from=first + pl.duration(days=pl.lit(pl.Series(start + 1))),
        covers_to=first + pl.duration(days=pl.lit(pl.Series(end))),
        with_qty=pl.Series(during[0]),
        without_qty=pl.Series(during[1]),
        uplift_qty=pl.Series(during[0] - during[1]),
        after_qty=pl.Series(after[0] - after[1]),
    ).cast(PROMOTED_SCHEMA)


def _sums(means: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Sum of the days start … end - 1 of each row."""
    running = np.concatenate([np.zeros((len(means), 1)), np.cumsum(means, axis=1)], axis=1)
    row = np.arange(len(means))
    return running[row, end] - running[row, start]
