"""Checks on stock: what a company counts, or thinks it has, at the close of a day."""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table, day
from data_quality.settings import QualitySettings

STOCK = Table(
    "marts.fct_inventory_daily", ("snapshot_date", "location_id", "sku_id"), needs=("marts.fct_inventory_daily",)
)


def inventory_checks(settings: QualitySettings, as_of: date) -> list[Check]:
    """Return the checks on marts.fct_inventory_daily; an empty table (no stock feed) passes all of them."""
    return [
        STOCK.unique("snapshot_date", "location_id", "sku_id"),
        *STOCK.given("snapshot_date", "location_id", "sku_id", "on_hand_qty"),
        STOCK.within_dates("snapshot_date", settings.earliest_date, as_of),
        *STOCK.finite("on_hand_qty", "reserved_qty"),
        *STOCK.not_negative("unit_cost"),
        STOCK.no_rows(
            "stockout_follows_stock",
            "is_stockout says that nothing was left.",
            "select * from marts.fct_inventory_daily where is_stockout is distinct from (on_hand_qty <= 0)",
            (*STOCK.shown, "on_hand_qty", "is_stockout"),
        ),
        STOCK.no_rows(
            "on_hand_is_not_negative",
            "The newest snapshot has no product with less than nothing on hand.",
            "select * from marts.fct_inventory_daily "
            "where on_hand_qty < 0 and snapshot_date = (select max(snapshot_date) from marts.fct_inventory_daily)",
            (*STOCK.shown, "on_hand_qty"),
            severity="warn",
            advice="count these products and book the difference: a record below zero is wrong",
        ),
        STOCK.no_rows(
            "stock_is_recent",
            f"The newest snapshot is at most {settings.warn_stock_age_days} days old (quality.warn_stock_age_days).",
            "select max(snapshot_date) as newest_snapshot_date from marts.fct_inventory_daily "
            f"having max(snapshot_date) < {day(as_of)} - {settings.warn_stock_age_days}",
            ("newest_snapshot_date",),
            severity="warn",
            advice="deliver erp/inventory; orders from old stock records are withheld",
        ),
        _newest_snapshot_is_whole(settings),
    ]


def _newest_snapshot_is_whole(settings: QualitySettings) -> Check:
    query = f"""
        with snapshots as (
            select snapshot_date, count(*) as row_count
            from marts.fct_inventory_daily
            group by snapshot_date
            order by snapshot_date desc
            limit 8
        ),
        newest as (
            select snapshot_date, row_count from snapshots order by snapshot_date desc limit 1
        ),
        usual as (
            select median(row_count) as usual_row_count
            from snapshots
            where snapshot_date < (select snapshot_date from newest)
        )
        select newest.snapshot_date, newest.row_count, usual.usual_row_count
        from newest cross join usual
        where newest.row_count < {settings.warn_snapshot_share} * usual.usual_row_count
    """
    return STOCK.no_rows(
        "newest_snapshot_is_whole",
        f"The newest snapshot has at least {settings.warn_snapshot_share:g} times the median rows of the 7 before it.",
        query,
        ("snapshot_date", "row_count", "usual_row_count"),
        severity="warn",
        advice="see which places are missing from the newest file of erp/inventory; a missing record is not a zero",
    )
