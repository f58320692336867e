"""Checks on stock: what a company counts, or thinks it has, at the close of a day."""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table, day
from data_quality.settings import QualitySettings
from data_quality.suites.thresholds import by_category

STOCK = Table(
    "marts.fct_inventory_daily", ("snapshot_date", "location_id", "sku_id"), needs=("marts.fct_inventory_daily",)
)
# what somebody counted: the rest is worked out from movements and agrees with them by construction
COUNTED = "(select * from marts.fct_inventory_daily where not is_estimated)"


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
            "is_stockout is known where stock was counted, and says that nothing was left.",
            "select * from marts.fct_inventory_daily where is_stockout is distinct from "
            "(case when not is_estimated then on_hand_qty <= 0 end)",
            (*STOCK.shown, "on_hand_qty", "is_estimated", "is_stockout"),
        ),
        STOCK.no_rows(
            "on_hand_is_not_negative",
            "The newest snapshot has no product with less than nothing on hand.",
            f"select * from {COUNTED} as stock "
            f"where on_hand_qty < 0 and snapshot_date = (select max(snapshot_date) from {COUNTED} as newest)",
            (*STOCK.shown, "on_hand_qty"),
            severity="warn",
            advice="count these products and book the difference: a record below zero is wrong",
        ),
        STOCK.no_rows(
            "stock_is_recent",
            f"The newest snapshot is at most {settings.warn_stock_age_days} days old (quality.warn_stock_age_days).",
            f"select max(snapshot_date) as newest_snapshot_date from {COUNTED} as stock "
            f"having max(snapshot_date) < {day(as_of)} - {settings.warn_stock_age_days}",
            ("newest_snapshot_date",),
            severity="warn",
            advice="deliver erp/inventory; orders from old stock records are withheld",
        ),
        _newest_snapshot_is_whole(settings),
        _stock_adds_up(settings),
    ]


def _stock_adds_up(settings: QualitySettings) -> Check:
    """Opening + received + moved in - sold - moved out = closing, per product and place; shrink and counts break it."""
    query = f"""
        with bounds as (
            select min(snapshot_date) as opened_on, max(snapshot_date) as closed_on
            from {COUNTED} as stock
            where snapshot_date >= (select max(snapshot_date) from {COUNTED} as newest) - 28
        ),
        ends as (
            select stock.sku_id, stock.location_id,
                sum(on_hand_qty) filter (where snapshot_date = opened_on) as opening_qty,
                sum(on_hand_qty) filter (where snapshot_date = closed_on) as closing_qty
            from {COUNTED} as stock inner join bounds on snapshot_date in (opened_on, closed_on)
            group by stock.sku_id, stock.location_id
            having count(*) = 2
        ),
        moves as (
            select sku_id, fulfilled_from_location_id as location_id, -sum(quantity) as moved_qty
            from marts.fct_sales inner join bounds on sold_on > opened_on and sold_on <= closed_on group by all
            union all
            select sku_id, location_id, sum(received_qty)
            from staging.stg_erp__purchase_orders
            inner join bounds on received_on > opened_on and received_on <= closed_on group by all
            union all
            select sku_id, to_location_id, sum(transfer_qty)
            from staging.stg_erp__transfers
            inner join bounds on received_on > opened_on and received_on <= closed_on group by all
            union all
            select sku_id, from_location_id, -sum(transfer_qty)
            from staging.stg_erp__transfers
            inner join bounds on shipped_on > opened_on and shipped_on <= closed_on group by all
        ),
        sums as (
            select sku_id, location_id, sum(moved_qty) as moved_qty from moves group by sku_id, location_id
        ),
        compared as (
            select category,
                abs(opening_qty + coalesce(moved_qty, 0) - closing_qty) > {settings.stock_tolerance} as is_off,
                opening_qty + coalesce(moved_qty, 0) - closing_qty as missing_qty
            from ends left join sums using (sku_id, location_id) left join marts.dim_product using (sku_id)
        ),
        categories as (
            select category, count(*) as pair_count, count(*) filter (where is_off) as off_count,
                sum(missing_qty) as missing_qty
            from compared group by category
        )
        select category, pair_count, off_count, round(100.0 * off_count / pair_count, 2) as off_pct, missing_qty
        from categories
        where 100.0 * off_count > {by_category(settings, "warn_stock_mismatch_pct")} * pair_count
    """
    return STOCK.no_rows(
        "stock_adds_up",
        f"Opening + received - sold - shipped = closing over 28 days, to {settings.stock_tolerance:g} units "
        "(stock_tolerance), for most products and places of a category (quality.warn_stock_mismatch_pct).",
        query,
        ("category", "pair_count", "off_count", "off_pct", "missing_qty"),
        severity="warn",
        needs=("feeds.erp_purchase_orders",),
        advice="missing_qty above zero: shrink, or sales that did not arrive; below: receipts that did not",
    )


def _newest_snapshot_is_whole(settings: QualitySettings) -> Check:
    query = f"""
        with snapshots as (
            select snapshot_date, count(*) as row_count
            from {COUNTED} as stock
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
