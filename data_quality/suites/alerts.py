"""Checks on the alerts: each is named once, knows its severity and its place, and no money below zero.

Belongs here: that the list is sound. What raises an alert stands in dbt_project/models/marts/planning/mart_alerts.sql.
"""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table

ALERTS = Table("marts.mart_alerts", ("alert_id", "alert_type", "sku_id", "location_id"), needs=("marts.mart_alerts",))
SEVERITIES = ("high", "medium", "low")
FAULT = "a fault of the model alerts: report it with this sample"


def alert_checks(as_of: date) -> list[Check]:
    """Return the checks on marts.mart_alerts."""
    severities = ", ".join(f"'{severity}'" for severity in SEVERITIES)
    return [
        ALERTS.unique("alert_id"),
        *ALERTS.given("alert_id", "alert_type", "severity", "location_id", "explanation"),
        *ALERTS.not_negative("money_at_risk"),
        ALERTS.no_rows(
            "severity_is_known",
            f"severity is one of {', '.join(SEVERITIES)}.",
            f"select * from {ALERTS.name} where severity not in ({severities})",
            (*ALERTS.shown, "severity"),
            advice=FAULT,
        ),
        ALERTS.of_business_day(as_of, advice=FAULT),
    ]
