"""Checks on slow changes and on arithmetic: prices, mix of categories, price times quantity against the amount.

Belongs here: comparisons of a business with itself, by category, with the category's own thresholds. Does not: single
days (sales) and single extracts (feeds).
"""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table, day
from data_quality.settings import QualitySettings
from data_quality.suites.sales import LINES
from data_quality.suites.thresholds import by_category

# units and money of a product at a place and day, by the number of the pair
DAYS = Table("intermediate.int_sales_daily", ("sku_location_key", "date"))
PAIRS = "intermediate.int_sku_locations_numbered"
MIN_PAIRS = 20  # fewer products at places than this say nothing of a category's prices
FLOOR = 0.0001  # a category that was not there counts as this share: its logarithm must be finite


def drift_checks(settings: QualitySettings, as_of: date) -> list[Check]:
    """Return the checks on prices, mix and amounts."""
    return [_amounts_follow_prices(settings), _prices_are_steady(settings, as_of), _mix_is_steady(settings, as_of)]


def _amounts_follow_prices(settings: QualitySettings) -> Check:
    # one pass over the lines by product; categories are joined to what is left
    query = f"""
        with priced as (
            select sku_id, net_amount,
                cast(quantity * unit_price as double) - sign(quantity) * coalesce(discount_amount, 0) as expected_amount
            from marts.fct_sales
            where unit_price is not null
        ),
        products as (
            select sku_id, count(*) as line_count,
                count(*) filter (where abs(net_amount - expected_amount) > 0.02 + 0.01 * abs(expected_amount)) as
            off_count from priced
            group by sku_id
        ),
        categories as (
            select category, sum(line_count) as line_count, sum(off_count) as off_count
            from products left join marts.dim_product using (sku_id)
            group by category
        )
        select category, line_count, off_count, round(100.0 * off_count / line_count, 3) as off_pct
        from categories
        where 100.0 * off_count > {by_category(settings, "warn_amount_mismatch_pct")} * line_count
    """
    return LINES.no_rows(
        "amounts_follow_prices",
        "Few lines of a category have a net_amount that is not quantity x unit_price less discount "
        "(quality.warn_amount_mismatch_pct).",
        query,
        ("category", "line_count", "off_count", "off_pct"),
        severity="warn",
        advice="see whether unit_price is before discount and discount_amount for the line; else raise the setting",
    )


def _prices_are_steady(settings: QualitySettings, as_of: date) -> Check:
    query = f"""
        with days as (
            select sku_location_key, date > {day(as_of)} - 28 as is_recent, units_qty, sales_amount as amount
            from {DAYS.name}
            where date > {day(as_of)} - 119 and date <= {day(as_of)} and units_qty > 0
        ),
        pairs as (
            select sku_location_key,
                sum(amount) filter (where is_recent) / sum(units_qty) filter (where is_recent) as recent_price,
                sum(amount) filter (where not is_recent) / sum(units_qty) filter (where not is_recent) as earlier_price
            from days
            group by sku_location_key
        ),
        categories as (
            select category, count(*) as pair_count, median(100.0 * (recent_price / earlier_price - 1)) as change_pct
            from pairs inner join {PAIRS} using (sku_location_key) left join marts.dim_product using (sku_id)
            where recent_price > 0 and earlier_price > 0
            group by category
        )
        select category, pair_count, round(change_pct, 2) as change_pct
        from categories
        where pair_count >= {MIN_PAIRS} and abs(change_pct) > {by_category(settings, "warn_price_drift_pct")}
    """
    return DAYS.no_rows(
        "prices_are_steady",
        "The same products cost at the same places in the last 4 weeks what they cost in the 13 before, in the median "
        "of a category (quality.warn_price_drift_pct).",
        query,
        ("category", "pair_count", "change_pct"),
        severity="warn",
        advice="see whether prices were changed, or amounts come in another currency or unit",
    )


def _mix_is_steady(settings: QualitySettings, as_of: date) -> Check:
    query = f"""
        with days as (
            select sku_location_key,
                coalesce(sum(greatest(net_amount, 0)) filter (where date > {day(as_of)} - 28), 0) as recent_amount,
                coalesce(sum(greatest(net_amount, 0)) filter (where date <= {day(as_of)} - 28), 0) as earlier_amount
            from {DAYS.name}
            where date > {day(as_of)} - 119 and date <= {day(as_of)}
            group by sku_location_key
        ),
        categories as (
            select category, sum(recent_amount) as recent_amount, sum(earlier_amount) as earlier_amount
            from days inner join {PAIRS} using (sku_location_key) left join marts.dim_product using (sku_id)
            group by category
        ),
        shares as (
            select category,
                greatest(recent_amount / sum(recent_amount) over (), {FLOOR}) as recent_share,
                greatest(earlier_amount / sum(earlier_amount) over (), {FLOOR}) as earlier_share
            from categories
            where (select sum(recent_amount) from categories) > 0 and (select sum(earlier_amount) from categories) > 0
        ),
        parts as (
            select *, (recent_share - earlier_share) * ln(recent_share / earlier_share) as psi_part from shares
        )
        select category, round(recent_share, 4) as recent_share, round(earlier_share, 4) as earlier_share,
            round(psi_part, 4) as psi_part, round((select sum(psi_part) from parts), 4) as psi
        from parts
        where (select sum(psi_part) from parts) > {settings.warn_mix_psi} and psi_part > 0.01
    """
    return DAYS.no_rows(
        "mix_is_steady",
        f"Shares of the categories in money moved by a PSI of at most {settings.warn_mix_psi:g}, last 4 weeks over the "
        "13 before (quality.warn_mix_psi).",
        query,
        ("category", "recent_share", "earlier_share", "psi_part", "psi"),
        severity="warn",
        advice="see whether a season explains it, or products changed category, or a part of the sales is missing",
    )
