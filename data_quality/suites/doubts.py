"""Checks on what is doubted and repaired: the review queue, missing till days, the count list.

Belongs here: that these lists are sound, and the warnings that they are long or that decisions went astray. Does not:
what makes a day an outlier (dbt_project/models/intermediate/quality).
"""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table
from data_quality.settings import QualitySettings

QUEUE = Table("marts.mart_review_queue", ("sku_id", "location_id", "date"), needs=("marts.mart_review_queue",))
TILLS = Table("marts.mart_missing_till_days", ("location_id", "date"), needs=("marts.mart_missing_till_days",))
COUNTS = Table("marts.mart_count_list", ("sku_id", "location_id"), needs=("marts.mart_count_list",))
RECENT_DAYS = 7


def doubt_checks(settings: QualitySettings, as_of: date) -> list[Check]:
    """Return the checks on marts.mart_review_queue, mart_missing_till_days and mart_count_list."""
    return [
        QUEUE.unique("sku_id", "location_id", "date"),
        *QUEUE.given("sku_id", "location_id", "date", "units_qty", "why", "queue_rank"),
        QUEUE.within_dates("date", settings.earliest_date, as_of),
        QUEUE.no_rows(
            "repairs_follow_decisions",
            "Kept days are not repaired, replaced days have a quantity, ignored days have none, others have the level.",
            "select * from marts.mart_review_queue where case "
            "when is_decision_invalid or decision is null then repair_rule is distinct from 'outlier' "
            "or repaired_qty is distinct from level_qty "
            "when decision = 'keep' then repair_rule is not null "
            "when decision = 'replace' then repair_rule is distinct from 'replaced' or repaired_qty is null "
            "else repair_rule is distinct from 'ignored' or repaired_qty is not null end",
            (*QUEUE.shown, "decision", "repair_rule", "repaired_qty", "level_qty"),
            advice="a fault of the models int_days_doubted and mart_review_queue: report it with this sample",
        ),
        QUEUE.no_rows(
            "decisions_are_understood",
            "Every decision on a day of the queue can be followed.",
            "select * from marts.mart_review_queue where is_decision_invalid",
            (*QUEUE.shown, "decision"),
            severity="warn",
            advice="write keep, ignore, or replace with a quantity, in home/decisions/review.csv",
        ),
        TILLS.unique("location_id", "date"),
        *TILLS.given("location_id", "date", "chance"),
        TILLS.within_dates("date", settings.earliest_date, as_of),
        TILLS.no_rows(
            "recent_tills_are_there",
            f"No place lacks its tills on one of the last {RECENT_DAYS} days.",
            f"select * from marts.mart_missing_till_days where date > date '{as_of}' - {RECENT_DAYS}",
            (*TILLS.shown, "usual_units_qty", "usual_amount", "chance"),
            severity="warn",
            advice="deliver these places' extracts again; until then the day counts as unknown, not as zero",
        ),
        COUNTS.unique("sku_id", "location_id"),
        *COUNTS.given("sku_id", "location_id", "rule", "money_at_risk", "count_rank"),
        *COUNTS.not_negative("doubted_qty", "money_at_risk"),
        COUNTS.no_rows(
            "money_is_its_terms",
            "money_at_risk = doubted_qty x unit_cost, to the cent.",
            "select * from marts.mart_count_list where abs(money_at_risk - doubted_qty * unit_cost) > 0.01",
            (*COUNTS.shown, "doubted_qty", "unit_cost", "money_at_risk"),
            advice="a fault of the model mart_count_list: report it with this sample",
        ),
    ]
