"""The tuning report: a target is advised where it served nearer to what is wanted on other days than it learned."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ml.simulation.advice import ADVICE_SCHEMA, PREVIOUS_SCHEMA, advise
from ml.simulation.study import TUNING_SCHEMA

FIRST, PROOF, AS_OF = date(2024, 1, 1), date(2024, 3, 1), date(2024, 4, 30)
NONE_BEFORE = pl.DataFrame(schema=PREVIOUS_SCHEMA)


def tuned(*rows: tuple[str, float, float, float, float, float | None]) -> pl.DataFrame:
    """group, wanted, tuned, served in percent as set and tuned, stock."""
    lines = [(AS_OF, *row, PROOF) for row in rows]
    return pl.DataFrame(lines, schema=TUNING_SCHEMA, orient="row")


def test_nearer_on_the_days_of_the_proof_is_a_change_and_else_the_setting_stays() -> None:
    report = advise(
        tuned(
            ("class A", 0.95, 0.92, 97.0, 95.2, -11.5),  # 2.0 points off as set, 0.2 tuned
            ("department tea", 0.9, 0.93, 90.2, 91.5, 4.0),  # 0.2 off as set, 1.5 tuned
            ("all products", 0.95, 0.96, 94.4, 95.2, None),  # 0.6 and 0.2: 0.4 nearer is not enough
        ),
        FIRST,
        False,
        NONE_BEFORE,
    )
    assert report.schema == ADVICE_SCHEMA
    shown = report.select("service_group", "advice", "setting", "off_points", "off_tuned_points").rows()
    assert [row[:3] for row in shown] == [
        ("all products", "keep", "planning.service_target"),
        ("class A", "change", "planning.service_target_by_class.A"),
        ("department tea", "keep", "planning.service_target_by_department.tea"),
    ]
    assert shown[1][3:] == pytest.approx((2.0, 0.2))
    assert report["learned_until"].unique().to_list() == [date(2024, 2, 29)]
    text = report["explanation"][1]
    assert text == (
        "class A: wanted 95.0 %, served 97.0 % as set and 95.2 % when 92.0 % is asked for, with 11.5 % less stock. "
        "Set planning.service_target_by_class.A to 0.92, or planning.apply_tuned_targets to true, which follows every "
        "replay."
    )
    assert report["explanation"][0].endswith("leave planning.service_target as it is.")


def test_what_is_asked_for_already_needs_nothing_and_the_report_before_stands_beside() -> None:
    before = pl.DataFrame([("class A", date(2024, 1, 31), 0.93)], schema=PREVIOUS_SCHEMA, orient="row")
    report = advise(tuned(("class A", 0.95, 0.92, 97.0, 95.2, 3.0)), FIRST, True, before)
    assert report.select("advice", "previous_as_of", "previous_tuned_target").row(0) == (
        "asked for already",
        date(2024, 1, 31),
        0.93,
    )
    assert "with 3.0 % more stock" in report["explanation"][0]


def test_places_that_feed_others_share_the_setting_of_their_group() -> None:
    report = advise(
        tuned(("class A at places that feed others", 0.95, 0.9, 99.0, 95.0, 0.0)), FIRST, False, NONE_BEFORE
    )
    assert report["setting"].to_list() == ["planning.service_target_by_class.A"]
