"""Checks on sales: receipt lines, and the product-location-day table that is made of them."""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Severity, Table, day
from data_quality.settings import QualitySettings
from data_quality.suites.thresholds import by_category, lowest

LINES = Table("marts.fct_sales", ("source", "transaction_id", "line_number", "sold_on", "location_id", "sku_id"))
DAYS = Table("marts.mart_sku_location_day", ("sku_id", "location_id", "date"))
CLOSE_A_DAY = "wait for the day's extracts, or close another day with --as-of"


def sales_checks(settings: QualitySettings, as_of: date) -> list[Check]:
    """Return the checks on marts.fct_sales."""
    return [
        LINES.has_rows("There are sales.", advice="deliver the extracts of pos/sales"),
        LINES.unique("source", "transaction_id", "line_number"),
        *LINES.given(
            "source",
            "transaction_id",
            "line_number",
            "sold_at",
            "sold_on",
            "channel",
            "location_id",
            "sku_id",
            "quantity",
            "net_amount",
        ),
        LINES.within_dates("sold_on", settings.earliest_date, as_of),
        *LINES.finite("quantity", "net_amount"),
        *_plausible(settings),
        *LINES.not_negative("discount_amount"),
        LINES.no_rows(
            "returns_are_marked",
            "is_return says whether the quantity is negative.",
            "select * from marts.fct_sales where is_return is distinct from (quantity < 0)",
            (*LINES.shown, "quantity"),
        ),
        LINES.no_rows(
            "signs_agree",
            "Money flows with the goods: no line is sold for less than nothing, or returned at a charge.",
            "select * from marts.fct_sales where quantity * net_amount < 0",
            (*LINES.shown, "quantity", "net_amount"),
            severity="warn",
        ),
        *_known(settings, "sku_id", "marts.dim_product", "product", "erp/products"),
        *_known(settings, "location_id", "marts.dim_location", "place", "erp/locations"),
        _last_day_has_sales(settings, as_of),
        _last_day_has_its_volume(settings, as_of),
        _sources_are_recent(settings, as_of),
    ]


def sku_location_day_checks(settings: QualitySettings, as_of: date) -> list[Check]:
    """Return the checks on marts.mart_sku_location_day."""
    return [
        DAYS.has_rows("There are product-location days."),
        DAYS.unique("sku_id", "location_id", "date"),
        *DAYS.given("sku_id", "location_id", "date", "units_qty", "returns_qty", "net_amount"),
        DAYS.within_dates("date", settings.earliest_date, as_of),
        *DAYS.not_negative("units_qty", "returns_qty"),
        *DAYS.finite("net_amount", "price", "on_hand_qty"),
        DAYS.no_rows(
            "adds_up_to_sales",
            "Units, returns and money of a place and day are those of its receipt lines.",
            _differences(),
            (
                "location_id",
                "date",
                "units_qty",
                "sold_qty",
                "returns_qty",
                "returned_qty",
                "net_amount",
                "sold_amount",
            ),
            advice="a fault of the models between fct_sales and mart_sku_location_day: report it with this sample",
        ),
        DAYS.no_rows(
            "stockout_follows_stock",
            "is_stockout is known where stock was counted, and says that nothing was left.",
            "select * from marts.mart_sku_location_day where is_stockout is distinct from "
            "(case when not is_on_hand_estimated then on_hand_qty <= 0 end)",
            (*DAYS.shown, "on_hand_qty", "is_on_hand_estimated", "is_stockout"),
        ),
        DAYS.no_rows(
            "figures_agree",
            "Margin is money less cost, a share of the day lies between 0 and 1, and nobody loses less than nothing.",
            "select * from marts.mart_sku_location_day where margin_amount is distinct from net_amount - cost_amount "
            "or stockout_share not between 0 and 1 or stockout_share > 0 and not is_stockout or lost_qty < 0",
            (*DAYS.shown, "net_amount", "cost_amount", "margin_amount", "is_stockout", "stockout_share", "lost_qty"),
            advice="a fault of the models between fct_sales and mart_sku_location_day: report it with this sample",
        ),
    ]


def _plausible(settings: QualitySettings) -> list[Check]:
    limits = {
        "quantity": ("warn_line_quantity", settings.warn_line_quantity),
        "net_amount": ("warn_line_amount", settings.warn_line_amount),
    }
    return [
        LINES.no_rows(
            f"{column}_is_plausible",
            f"No line has a {column} beyond {limit:,.0f}, or what its category allows (quality.{setting}).",
            # few lines pass the lowest limit of all: the category of these only is looked up
            f"select * from marts.fct_sales left join (select sku_id, category from marts.dim_product) using (sku_id) "
            f"where abs({column}) > {lowest(settings, setting)} and abs({column}) > {by_category(settings, setting)}",
            (*LINES.shown, column, "category"),
            severity="warn",
            advice=f"look at these lines; where such lines are usual, raise quality.{setting}, or quality.by_category",
        )
        for column, (setting, limit) in limits.items()
    ]


def _known(settings: QualitySettings, column: str, dimension: str, noun: str, feed: str) -> list[Check]:
    """Few lines are of a product or place that the ERP does not know: one share is shown, a larger one refused."""
    # is_inferred: the dimension has a row for it only because it was sold
    lines = f"""
        with lines as (
            select {column}, count(*) as line_count from marts.fct_sales group by {column}
        ),
        unknown as (
            select lines.{column}, lines.line_count
            from lines
            left join {dimension} as known on lines.{column} = known.{column}
            where coalesce(known.is_inferred, true)
        )
        select {column}, line_count,
            round(100.0 * (select sum(line_count) from unknown) / (select sum(line_count) from lines), 3) as unknown_pct
        from unknown
        where (select sum(line_count) from unknown) * 100.0 > {{limit}} * (select sum(line_count) from lines)
    """
    grades: tuple[tuple[str, Severity, str, float], ...] = (
        (f"{noun}s_are_known", "warn", "warn_unknown_pct", settings.warn_unknown_pct),
        (f"{noun}s_are_mostly_known", "error", "max_unknown_pct", settings.max_unknown_pct),
    )
    return [
        LINES.no_rows(
            name,
            f"At most {limit:g} % of the lines are of a {noun} that {feed} does not know (quality.{setting}).",
            lines.format(limit=limit),
            (column, "line_count", "unknown_pct"),
            severity=severity,
            advice=f"deliver {feed} with these {noun}s",
        )
        for name, severity, setting, limit in grades
    ]


def _last_day_has_sales(settings: QualitySettings, as_of: date) -> Check:
    return LINES.no_rows(
        "last_day_has_sales",
        f"Something was sold on the business day {as_of}.",
        f"select {day(as_of)} as sold_on, max(sold_on) as newest_sold_on from marts.fct_sales "
        f"having max(sold_on) is distinct from {day(as_of)}",
        ("sold_on", "newest_sold_on"),
        severity="warn" if settings.allow_day_without_sales else "error",
        advice=f"{CLOSE_A_DAY}; a company that shuts on some days sets quality.allow_day_without_sales",
    )


def _last_day_has_its_volume(settings: QualitySettings, as_of: date) -> Check:
    low, high = settings.warn_day_volume_low, settings.warn_day_volume_high
    # fewer than four such weekdays with sales say nothing about what is usual
    query = f"""
        with days as (
            select sold_on, count(*) as line_count
            from marts.fct_sales
            where sold_on between {day(as_of)} - 56 and {day(as_of)} and date_diff('day', sold_on, {day(as_of)}) % 7 = 0
            group by sold_on
        ),
        usual as (
            select median(line_count) as usual_line_count from days where sold_on < {day(as_of)} having count(*) >= 4
        )
        select days.sold_on, days.line_count, usual.usual_line_count
        from days cross join usual
        where days.sold_on = {day(as_of)}
            and days.line_count not between {low} * usual.usual_line_count and {high} * usual.usual_line_count
    """
    return LINES.no_rows(
        "last_day_has_its_volume",
        f"The last day has {low:g} to {high:g} times the lines usual for its weekday (median of the 8 weeks before).",
        query,
        ("sold_on", "line_count", "usual_line_count"),
        severity="warn",
        advice=f"see whether extracts of that day are missing or doubled; {CLOSE_A_DAY}",
    )


def _sources_are_recent(settings: QualitySettings, as_of: date) -> Check:
    return LINES.no_rows(
        "sources_are_recent",
        f"Every source has sales of the last {settings.warn_sales_age_days} days (quality.warn_sales_age_days), "
        "or none for 8 weeks: then it is closed.",
        "select source, max(sold_on) as newest_sold_on from marts.fct_sales group by source "
        f"having max(sold_on) between {day(as_of)} - 56 and {day(as_of)} - {settings.warn_sales_age_days} - 1",
        ("source", "newest_sold_on"),
        severity="warn",
        advice="see why this source stopped delivering; its sales count as zero meanwhile",
    )


def _differences() -> str:
    """Places and days on which product-location days do not sum to receipt lines; 0.001 is the smallest quantity."""
    return """
        with lines as (
            select location_id, sold_on as date,
                sum(case when quantity > 0 then quantity else 0 end) as sold_qty,
                sum(case when quantity < 0 then -quantity else 0 end) as returned_qty,
                sum(net_amount) as sold_amount
            from marts.fct_sales
            group by location_id, sold_on
        ),
        days as (
            select location_id, date,
                sum(units_qty) as units_qty, sum(returns_qty) as returns_qty, sum(net_amount) as net_amount
            from marts.mart_sku_location_day
            group by location_id, date
        )
        select location_id, date, units_qty, sold_qty, returns_qty, returned_qty, net_amount, sold_amount
        from days full join lines using (location_id, date)
        where abs(coalesce(units_qty, 0) - coalesce(sold_qty, 0)) >= 0.001
            or abs(coalesce(returns_qty, 0) - coalesce(returned_qty, 0)) >= 0.001
            or abs(coalesce(net_amount, 0) - coalesce(sold_amount, 0)) >= 0.01
    """
