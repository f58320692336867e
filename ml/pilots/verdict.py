"""What came of a pilot: its effect with an interval, and what may be said of it.

Belongs here: the measure of a finished or running pilot against its own design. Not here: the page (orchestration).
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ml.pilots.chance import critical, placebo_statistics, statistic
from ml.pilots.design import CONTROLS, Design
from ml.pilots.panel import TooFewPlaces, differences, panel_of

MORE, LESS, NOTHING = "more", "less", "nothing seen"


@dataclass(frozen=True)
class Verdict:
    """effect_pct with its 90 % interval; chance_pct: how often groups of which nobody asked anything differ as much.

    amount_a_week: what the effect is worth in all pilot places together, in the pilot's measure. by_place: place,
    weekly value before and since, that of its controls, difference in percent.
    """

    weeks: int
    effect_pct: float
    low_pct: float
    high_pct: float
    chance_pct: float
    amount_a_week: float
    low_amount_a_week: float
    high_amount_a_week: float
    finding: str
    compared: int
    by_place: pl.DataFrame


def measure(daily: pl.DataFrame, design: Design, as_of: date) -> Verdict:
    """Return what the pilot came to up to `as_of`, over its whole weeks.

    daily: as in design.plan, from before the start to as_of.

    Raises:
        TooFewPlaces: not a week is over, or a pilot place has no sales to compare with.
    """
    weeks = min(design.weeks, ((as_of - design.starts_on).days + 1) // 7)
    if weeks < 1:
        first = design.starts_on + timedelta(days=6)
        raise TooFewPlaces(f"not a week of the pilot is over by {as_of}: its first ends on {first}")
    panel = panel_of(daily.filter(pl.col("date") <= as_of), design.starts_on, design.weeks_before, weeks)
    missing = [place for place in design.places if place not in panel.locations]
    if missing:
        raise TooFewPlaces(f"{', '.join(missing)}: not sold in nearly every week before the start")
    rows = np.array([panel.locations.index(place) for place in design.places])
    found = differences(panel, CONTROLS, rows)
    middle = float(np.median(found.effect))
    effect, noise = found.effect[rows] - middle, found.noise[rows]
    placebo = placebo_statistics(found.effect, found.noise, len(rows), design.seed)
    own = float(statistic(effect, noise))
    half = critical(placebo) * float(np.sqrt((noise**2).sum())) / len(rows)
    mean = float(effect.mean())
    chance = (1 + int((np.abs(placebo) >= abs(own)).sum())) / (1 + len(placebo))
    since = float(panel.values[rows, panel.before :].mean(axis=1).sum())
    low, high = mean - half, mean + half
    return Verdict(
        weeks=weeks,
        **{
            f"{name}_pct": round(100 * float(np.expm1(v)), 1)
            for name, v in (("effect", mean), ("low", low), ("high", high))
        },
        chance_pct=round(100 * chance, 1),
        amount_a_week=since * -float(np.expm1(-mean)),
        low_amount_a_week=since * -float(np.expm1(-low)),
        high_amount_a_week=since * -float(np.expm1(-high)),
        finding=MORE if low > 0 else LESS if high < 0 else NOTHING,
        compared=len(panel.locations) - len(rows),
        by_place=pl.DataFrame(
            {
                "location_id": design.places,
                "before_a_week": panel.values[rows, : panel.before].mean(axis=1),
                "since_a_week": panel.values[rows, panel.before :].mean(axis=1),
                "controls_change_pct": 100
                * np.array([_change(panel.values[found.controls[r]], panel.before) for r in rows]),
                "difference_pct": 100 * np.expm1(effect),
            }
        ),
    )


def _change(values: np.ndarray, before: int) -> float:
    """The mean change of places, each over its own weeks before."""
    return float((values[:, before:].mean(axis=1) / values[:, :before].mean(axis=1)).mean() - 1)
