"""The design of a pilot: which places, which controls, and the smallest effect that it can see; said before it starts.

Belongs here: the choice and what history says of it. Not here: what came of it (verdict.py), files (orchestration).
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.pilots.chance import critical, detectable, placebo_statistics
from ml.pilots.panel import Panel, TooFewPlaces, differences, panel_of

CONTROLS = 10
# stretches of the past on which the design is tried, newest first, one pilot's length apart
TRIALS = 4
EFFECTS = (0.02, 0.05, 0.10, 0.15, 0.20, 0.30)
# of places by sales the tenth at either end is no pilot: what works there says little of the others
_MIDDLE = (0.1, 0.9)


@dataclass(frozen=True)
class Design:
    """What is written down before a pilot starts. detectable_pct: seen with 80 % probability at 10 % false alarms.

    controls: by pilot place, nearest first. power_pct: by effect in percent, the probability to see it.
    """

    starts_on: date
    weeks: int
    weeks_before: int
    seed: int
    places: tuple[str, ...]
    controls: dict[str, tuple[str, ...]]
    compared: int
    trials: int
    detectable_pct: float
    power_pct: dict[str, float]


def plan(
    daily: pl.DataFrame,
    regions: dict[str, str],
    as_of: date,
    starts_on: date,
    *,
    weeks: int,
    weeks_before: int,
    size: int,
    places: tuple[str, ...] = (),
    seed: int,
) -> Design:
    """Return a pilot of `places`, or of `size` places chosen by sales, calm and region.

    daily: location_id, date, value, up to `as_of`. regions: by location. The design is tried on the last stretches of
    `weeks` before: what groups of as many places differed by then, when nobody did anything, is chance.

    Raises:
        TooFewPlaces: too short a past, too few places, or a place that is asked for did not sell every week.
    """
    history = daily.filter(pl.col("date") <= as_of)
    trials = _trials(history, as_of, weeks, weeks_before)
    newest = trials[0]
    nobody = np.array([], dtype=int)
    known = differences(newest, CONTROLS, nobody)
    rows = _rows(newest, places) if places else choose(newest, known.noise, regions, size)
    matched = differences(newest, CONTROLS, rows)
    chance = []
    for number, panel in enumerate(trials):
        found = differences(panel, CONTROLS, nobody)
        chance.append(placebo_statistics(found.effect, found.noise, len(rows), seed + number))
    placebo = np.concatenate(chance)
    noise = matched.noise[rows]
    least = detectable(placebo, noise)
    return Design(
        starts_on=starts_on,
        weeks=weeks,
        weeks_before=weeks_before,
        seed=seed,
        places=tuple(newest.locations[row] for row in rows),
        controls={newest.locations[r]: tuple(newest.locations[c] for c in matched.controls[r]) for r in rows},
        compared=len(newest.locations) - len(rows),
        trials=len(trials),
        detectable_pct=round(100 * float(np.expm1(least)), 1),
        power_pct={f"{effect:.0%}": round(100 * power(placebo, noise, effect), 0) for effect in EFFECTS},
    )


def power(placebo: np.ndarray, noise: np.ndarray, effect: float) -> float:
    """Return the probability that an effect (0.1 = ten percent more) is seen by places with such noise."""
    shift = np.log1p(effect) * len(noise) / float(np.sqrt((noise**2).sum()))
    return float(np.mean(np.abs(placebo + shift) > critical(placebo)))


def choose(panel: Panel, noise: np.ndarray, regions: dict[str, str], size: int) -> np.ndarray:
    """Return rows of `size` places: of as many bands by sales the calmest each, from regions not yet taken if it can.

    Raises:
        TooFewPlaces: fewer places in the middle than asked for.
    """
    sales = panel.values[:, : panel.before].mean(axis=1)
    order = np.lexsort((np.arange(len(sales)), sales))
    middle = order[int(_MIDDLE[0] * len(order)) : int(np.ceil(_MIDDLE[1] * len(order)))]
    if len(middle) < size:
        raise TooFewPlaces(f"{len(middle)} places of middling sales are fewer than the {size} asked for")
    taken: list[int] = []
    used: list[str] = []
    for band in np.array_split(middle, size):
        region = [regions.get(panel.locations[row], "") for row in band]
        best = min(range(len(band)), key=lambda i: (used.count(region[i]), noise[band[i]], band[i]))
        taken.append(int(band[best]))
        used.append(region[best])
    return np.array(sorted(taken))


def _trials(history: pl.DataFrame, as_of: date, weeks: int, weeks_before: int) -> list[Panel]:
    first = history["date"].min()
    found = []
    for number in range(1, TRIALS + 1):
        starts_on = as_of + timedelta(days=1 - 7 * weeks * number)
        if isinstance(first, date) and starts_on - timedelta(days=7 * weeks_before) >= first:
            found.append(panel_of(history, starts_on, weeks_before, weeks))
    if not found:
        raise TooFewPlaces(f"no {weeks_before + weeks} weeks of sales are on record: fewer weeks, or wait")
    return found


def _rows(panel: Panel, places: tuple[str, ...]) -> np.ndarray:
    missing = [place for place in places if place not in panel.locations]
    if missing:
        raise TooFewPlaces(f"{', '.join(missing)}: no such place, or not sold in nearly every week: choose another")
    return np.array(sorted(panel.locations.index(place) for place in places))
