"""Checks on what came of recommendations: outcome by line, effect by month, people's edits scored.

Belongs here: that these tables agree with each other and with the calendar. What an outcome is stands in
dbt_project/models/intermediate/planning/ (int_goods_outcomes, int_price_outcomes).
"""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table, day

_OUTCOME, _EFFECT, _SCORE = (
    "marts.mart_recommendation_outcome",
    "marts.mart_recommendation_effect",
    "marts.mart_edit_score",
)
OUTCOME = Table(_OUTCOME, ("recommendation_id", "horizon_days", "list", "status"), needs=(_OUTCOME,))
EFFECT = Table(_EFFECT, ("month_start", "list", "decision_state", "outcome", "horizon_days"), needs=(_EFFECT, _OUTCOME))
SCORE = Table(_SCORE, ("list", "decided_by", "category"), needs=(_SCORE,))
FAULT = "a fault of the models of outcomes: report it with this sample"
_CENT = 0.01


def outcome_checks(as_of: date) -> list[Check]:
    """Return the checks on mart_recommendation_outcome, mart_recommendation_effect and mart_edit_score."""
    return [
        OUTCOME.unique("recommendation_id", "horizon_days"),
        *OUTCOME.given("recommendation_id", "horizon_days", "list", "status", "outcome"),
        OUTCOME.never(
            "too_early_is_ahead",
            "A line is too early just where its days end after the business day.",
            f"(status = 'too early') <> (measured_until > {day(as_of)})",
            "measured_until",
            advice=FAULT,
        ),
        OUTCOME.never(
            "hindsight_serves_what_was_short",
            "What hindsight would have ordered is what was short, rounded up, and nothing where nothing was.",
            "hindsight_qty < short_qty - 0.01 or (short_qty = 0 and hindsight_qty <> 0)",
            *("short_qty", "hindsight_qty"),
            advice=FAULT,
        ),
        OUTCOME.never(
            "nothing_done_gains_nothing",
            "An order or move that nobody carried out brought nothing.",
            "recommended_price is null and coalesce(executed_qty, 0) = 0 and realised_gain_amount <> 0",
            *("executed_qty", "realised_gain_amount"),
            advice=FAULT,
        ),
        OUTCOME.never(
            "gain_is_against_without",
            "What a price brought is its money less what would have come without it.",
            "recommended_price is not null and status = 'measured' "
            f"and (abs(sold_amount - expected_without_amount - realised_gain_amount) <= {_CENT}) is not true",
            *("sold_amount", "expected_without_amount", "realised_gain_amount"),
            advice=FAULT,
        ),
        EFFECT.unique("month_start", "list", "decision_state", "outcome", "horizon_days"),
        *EFFECT.given("month_start", "list", "recommendation_count", "measured_count"),
        EFFECT.no_rows(
            "counts_every_line_once",
            "The months hold each counted line once.",
            "select list, horizon_days, recommendation_count, counted_lines from (select list, horizon_days, "
            f"sum(recommendation_count) as recommendation_count from {_EFFECT} group by all) full join (select list, "
            f"horizon_days, count(*) as counted_lines from {_OUTCOME} where is_counted group by all) "
            "using (list, horizon_days) where recommendation_count is distinct from counted_lines",
            ("list", "horizon_days", "recommendation_count", "counted_lines"),
            advice=FAULT,
        ),
        SCORE.unique("list", "decided_by", "category"),
        *SCORE.given("list", "decided_by", "category", "verdict"),
        SCORE.never(
            "nearer_and_farther_are_edits",
            "No more edits nearer and farther than edits.",
            "nearer_count + farther_count > edit_count",
            *("edit_count", "nearer_count", "farther_count"),
            advice=FAULT,
        ),
    ]
