"""Checks on kpi_daily, the published table of daily figures: it holds every line once, and no figure is impossible."""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table
from data_quality.settings import QualitySettings

KPIS = Table("marts.kpi_daily", ("date", "location_id", "channel", "department"))
FAULT = "a fault of the models between fct_sales and kpi_daily: report it with this sample"


def kpi_checks(settings: QualitySettings, as_of: date) -> list[Check]:
    """Return the checks on marts.kpi_daily."""
    return [
        KPIS.has_rows("There are daily figures."),
        KPIS.unique("date", "location_id", "channel", "department"),
        *KPIS.given(
            "date", "location_id", "channel", "department", "net_amount", "transaction_count", "lead_transaction_count"
        ),
        KPIS.within_dates("date", settings.earliest_date, as_of),
        *KPIS.not_negative("units_qty", "returns_qty", "lost_qty"),
        *KPIS.finite("net_amount", "margin_amount", "stock_value_amount", "lost_amount"),
        KPIS.no_rows(
            "adds_up_to_sales",
            "Net sales and lines of a place, channel and day are those of its receipt lines.",
            _differences(),
            ("location_id", "channel", "date", "net_amount", "sold_amount", "line_count", "sold_lines"),
            advice=FAULT,
        ),
        KPIS.no_rows(
            "transactions_are_receipts",
            "Each receipt is counted once: no more in all than lines, no fewer than one where something was sold.",
            f"select * from {KPIS.name} where lead_transaction_count > transaction_count "
            "or transaction_count > line_count or (line_count > 0 and transaction_count = 0)",
            (*KPIS.shown, "lead_transaction_count", "transaction_count", "line_count"),
            advice=FAULT,
        ),
        KPIS.no_rows(
            "margin_is_sales_less_cost",
            "margin = net sales with a known cost - cost, to the cent.",
            f"select * from {KPIS.name} where margin_amount is distinct from costed_net_amount - cost_amount",
            (*KPIS.shown, "costed_net_amount", "cost_amount", "margin_amount"),
            advice=FAULT,
        ),
        KPIS.no_rows(
            "stockouts_are_counted_days",
            "No more product days without stock than product days counted.",
            f"select * from {KPIS.name} where stockout_day_count not between 0 and counted_day_count",
            (*KPIS.shown, "stockout_day_count", "counted_day_count"),
            advice=FAULT,
        ),
    ]


def _differences() -> str:
    """Places, channels and days on which the figures do not sum to receipt lines."""
    return """
        with lines as (
            select location_id, channel, sold_on as date, sum(net_amount) as sold_amount, count(*) as sold_lines
            from marts.fct_sales
            group by location_id, channel, sold_on
        ),
        days as (
            select location_id, channel, date, sum(net_amount) as net_amount, sum(line_count) as line_count
            from marts.kpi_daily
            group by location_id, channel, date
        )
        select location_id, channel, date, net_amount, sold_amount, line_count, sold_lines
        from days full join lines using (location_id, channel, date)
        where coalesce(net_amount, 0) <> coalesce(sold_amount, 0) or coalesce(line_count, 0) <> coalesce(sold_lines, 0)
    """
