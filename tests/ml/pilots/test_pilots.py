"""Pilots: differences by hand, false alarms at the rate asked for, an effect that is there is found and sized."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ml.pilots import chance, design, panel, verdict

START = date(2024, 7, 1)
BEFORE, AFTER = 20, 6
REGIONS = {f"S{number:02d}": "north" if number % 2 else "south" for number in range(60)}


def shops(seed: int, places: int = 60, lift: float = 0.0, piloted: tuple[str, ...] = ()) -> pl.DataFrame:
    """Daily sales: a level of its own, a season that all share and one that a half shares, noise by week and day."""
    draw = np.random.default_rng(seed)
    days = 7 * (BEFORE + AFTER + 26)
    first = START - timedelta(days=days - 7 * AFTER)
    when = np.arange(days)
    shared = 1 + 0.2 * np.sin(when / 50) + 0.05 * np.sin(when * 2 * np.pi / 7)
    half = 1 + 0.15 * np.cos(when / 31)
    rows = []
    for number in range(places):
        week = np.repeat(np.exp(draw.normal(0, 0.08, days // 7)), 7)
        value = 100 * draw.lognormal(0, 0.5) * shared * (half if number % 3 == 0 else 1.0) * week
        value *= np.exp(draw.normal(0, 0.1, days))
        if f"S{number:02d}" in piloted:
            value[days - 7 * AFTER :] *= 1 + lift
        rows.append(value)
    return pl.DataFrame(
        {
            "location_id": np.repeat([f"S{number:02d}" for number in range(places)], days),
            "date": [first + timedelta(days=int(day)) for day in when] * places,
            "value": np.concatenate(rows),
        }
    )


def planned(daily: pl.DataFrame, **asked) -> design.Design:
    given = {"weeks": AFTER, "weeks_before": BEFORE, "size": 5, "seed": 1} | asked
    return design.plan(daily, REGIONS, START - timedelta(days=1), START, **given)


def test_a_difference_by_hand():
    values = np.array([[10.0, 10, 10, 12], [20, 20, 22, 22], [5, 5, 5, 5.0]])
    found = panel.differences(panel.Panel(("a", "b", "c"), values, 2), 1, np.array([0]))
    # the nearest of a is b (the first of two equals): log(11 / 10) less log(22 / 20); b's only other place is c
    assert found.controls.tolist() == [[1], [2], [1]]
    assert found.effect == pytest.approx([0.0, np.log(1.1), -np.log(1.1)])


def test_weeks_are_counted_from_the_start_and_places_without_sales_are_left_out():
    days = [START - timedelta(days=14) + timedelta(days=n) for n in range(28)]
    daily = pl.DataFrame({"location_id": ["a"] * 28, "date": days, "value": [1.0] * 28})
    gone = pl.DataFrame({"location_id": ["b"], "date": [START], "value": [9.0]})
    found = panel.panel_of(pl.concat([daily, gone]), START, 2, 2)
    assert found.locations == ("a",)
    assert found.values.tolist() == [[7.0] * 4]
    assert (found.before, found.after) == (2, 2)


@pytest.mark.parametrize("size", [3, 5])
def test_placebo_pilots_raise_false_alarms_at_the_rate_allowed(size):
    draw = np.random.default_rng(0)
    alarms = []
    for seed in range(8):
        daily = shops(seed)
        tried = panel.panel_of(daily, START, BEFORE, AFTER)
        for _ in range(50):
            rows = draw.choice(60, size, replace=False)
            found = panel.differences(tried, design.CONTROLS, rows)
            placebo = chance.placebo_statistics(found.effect, found.noise, size, 1, 500)
            own = chance.statistic(found.effect[rows] - np.median(found.effect), found.noise[rows])
            alarms.append(abs(own) > chance.critical(placebo))
    # 400 pilots: three points are two standard errors
    assert abs(np.mean(alarms) - chance.ALPHA) <= 0.03


def test_an_effect_that_is_there_is_found_and_lies_in_its_interval():
    inside, seen = [], []
    for seed in range(12):
        places = planned(shops(seed)).places
        lifted = shops(seed, lift=0.15, piloted=places)
        found = verdict.measure(lifted, planned(shops(seed)), START + timedelta(days=7 * AFTER - 1))
        inside.append(found.low_pct <= 15 <= found.high_pct)
        seen.append(found.finding == verdict.MORE)
    assert sum(inside) >= 9
    assert sum(seen) >= 9


def test_the_smallest_effect_seen_is_seen_four_times_in_five():
    made = planned(shops(3))
    assert 2 < made.detectable_pct < 15
    powers = list(made.power_pct.values())
    assert powers == sorted(powers)
    tried = panel.panel_of(shops(3), START, BEFORE, AFTER)
    found = panel.differences(tried, design.CONTROLS, np.array([], dtype=int))
    placebo = chance.placebo_statistics(found.effect, found.noise, 5, 1)
    noise = found.noise[:5]
    least = chance.detectable(placebo, noise)
    assert design.power(placebo, noise, np.expm1(least)) == pytest.approx(chance.POWER, abs=0.01)


def test_the_choice_spreads_over_sizes_and_regions_and_leaves_out_the_ends():
    made = planned(shops(5))
    sales = shops(5).filter(pl.col("date") < START).group_by("location_id").agg(pl.col("value").sum()).sort("value")
    ends = [*sales["location_id"][:5], *sales["location_id"][-5:]]
    assert len(set(made.places)) == 5
    assert not set(made.places) & set(ends)
    assert {REGIONS[place] for place in made.places} == {"north", "south"}
    assert all(not set(theirs) & set(made.places) for theirs in made.controls.values())
    assert {len(theirs) for theirs in made.controls.values()} == {design.CONTROLS}


def test_places_that_are_given_are_the_pilot():
    made = planned(shops(5), places=("S07", "S01", "S30"))
    assert made.places == ("S01", "S07", "S30")
    with pytest.raises(panel.TooFewPlaces, match="S99"):
        planned(shops(5), places=("S99",))


def test_a_running_pilot_is_measured_over_its_whole_weeks():
    daily = shops(5)
    made = planned(daily)
    assert verdict.measure(daily, made, START + timedelta(days=17)).weeks == 2
    with pytest.raises(panel.TooFewPlaces, match="2024-07-07"):
        verdict.measure(daily, made, START + timedelta(days=5))


def test_too_little_says_what_there_is():
    with pytest.raises(panel.TooFewPlaces, match="60 weeks"):
        planned(shops(5), weeks_before=54)
    few = shops(5).filter(pl.col("location_id") < "S08")
    with pytest.raises(panel.TooFewPlaces, match="8 places"):
        planned(few)


def test_the_same_sales_in_any_order_give_the_same_design_and_verdict():
    daily = shops(5)
    mixed = daily.sample(fraction=1.0, shuffle=True, seed=2)
    assert planned(daily) == planned(mixed)
    day = START + timedelta(days=7 * AFTER - 1)
    first, second = (verdict.measure(each, planned(daily), day) for each in (daily, mixed))
    assert first.effect_pct == second.effect_pct
    assert first.by_place.equals(second.by_place)
