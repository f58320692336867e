"""Sales of places by week around the start of a pilot, who is alike, and how far each place went its own way.

Belongs here: the panel, matched controls, each place's own difference. Not here: groups of places, what is chance
(design.py, verdict.py).

The difference of a place is difference in differences in logarithms: log of (sales after / before) less the log of the
same of its controls together. Its controls are the places whose weeks before, each over its own mean, ran nearest.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

# places with sales in fewer of the weeks before say nothing of what would have been
MIN_WEEKS_SHARE = 0.9
# a place that all but closed counts as one that kept a twentieth: its logarithm would drown all others
_LEAST_RATIO = 0.05


class TooFewPlaces(ValueError):
    """There are not enough comparable places, or weeks; the message says what there is."""


@dataclass(frozen=True)
class Panel:
    """values: places x weeks, `before` of them before the start. Every place sold in nearly all weeks before."""

    locations: tuple[str, ...]
    values: np.ndarray
    before: int

    @property
    def after(self) -> int:
        """Return the weeks from the start on."""
        return self.values.shape[1] - self.before


@dataclass(frozen=True)
class Differences:
    """effect: each place's difference in logarithms. noise: its error, from the weeks before. controls: rows."""

    effect: np.ndarray
    noise: np.ndarray
    controls: np.ndarray


def panel_of(daily: pl.DataFrame, starts_on: date, before: int, after: int) -> Panel:
    """Return sales by place and week of seven days counted from the start, `before` of them before it, `after` from it.

    daily: location_id, date, value (money or units; missing days are zero). Places whose weeks before hold no sale in
    more than a tenth are left out.
    """
    week = ((pl.col("date") - pl.lit(starts_on)).dt.total_days().floordiv(7)).alias("week")
    inside = daily.with_columns(week).filter(pl.col("week").is_between(-before, after - 1))
    # hundredths as whole numbers: the same sum in any order
    summed = inside.group_by("location_id", "week").agg(value=(pl.col("value") * 100).round().cast(pl.Int64).sum())
    locations = summed["location_id"].unique().sort()
    values = np.zeros((locations.len(), before + after))
    row = locations.search_sorted(summed["location_id"]).to_numpy()
    values[row, summed["week"].to_numpy() + before] = summed["value"].to_numpy() / 100
    is_steady = (values[:, :before] > 0).mean(axis=1) >= MIN_WEEKS_SHARE
    return Panel(tuple(locations.filter(pl.Series(is_steady))), np.maximum(values[is_steady], 0.0), before)


def differences(panel: Panel, controls: int, left_out: np.ndarray) -> Differences:
    """Return each place's difference from its `controls` nearest places.

    left_out: rows that are nobody's control: the pilot's own places.

    Raises:
        TooFewPlaces: fewer places than controls.
    """
    places = len(panel.locations)
    if places - len(left_out) <= controls:
        raise TooFewPlaces(f"{places} places sold in nearly every week before the start; {controls} controls need more")
    chosen = _nearest(panel, controls, left_out)
    scaled = panel.values / panel.values[:, : panel.before].mean(axis=1, keepdims=True)
    theirs = scaled[chosen].mean(axis=1)
    own, other = (part[:, panel.before :].mean(axis=1) for part in (scaled, theirs))
    effect = np.log(np.maximum(own, _LEAST_RATIO)) - np.log(np.maximum(other, _LEAST_RATIO))
    apart = scaled[:, : panel.before] - theirs[:, : panel.before]
    noise = apart.std(axis=1, ddof=1) * np.sqrt(1 / panel.before + 1 / panel.after)
    return Differences(effect, noise, chosen)


def _nearest(panel: Panel, controls: int, left_out: np.ndarray) -> np.ndarray:
    """Rows of the nearest places of each place, places x controls, nearest first."""
    past = panel.values[:, : panel.before]
    scaled = past / past.mean(axis=1, keepdims=True)
    square = (scaled**2).sum(axis=1)
    # rounded, so that equals are equals on any machine and the first of them is taken
    distance = np.round(square[:, None] + square[None, :] - 2 * scaled @ scaled.T, 9)
    np.fill_diagonal(distance, np.inf)
    distance[:, left_out] = np.inf
    return np.argsort(distance, axis=1, kind="stable")[:, :controls]
