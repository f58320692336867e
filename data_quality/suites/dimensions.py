"""Checks on what things are: products, places, days, customers; and on the extracts that they came from."""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table, day
from data_quality.settings import QualitySettings

PRODUCTS = Table("marts.dim_product", ("sku_id",))
PLACES = Table("marts.dim_location", ("location_id",))
DAYS = Table("marts.dim_date", ("date",))
# no key in samples: the id of an account may be a phone number
CUSTOMERS = Table("marts.dim_customer", ("source",), needs=("marts.dim_customer",))
FILES = Table("ops.file_ledger", ("source", "feed"), needs=("ops.file_ledger",))

FORECAST_DAYS = 183


def dimension_checks(settings: QualitySettings, as_of: date) -> list[Check]:
    """Return the checks on marts.dim_product, dim_location, dim_date and dim_customer."""
    return [
        PRODUCTS.has_rows("There are products.", advice="deliver the extracts of erp/products"),
        PRODUCTS.unique("sku_id"),
        *PRODUCTS.given("sku_id", "is_inferred"),
        *PRODUCTS.not_negative("list_price", "unit_cost", "pack_size"),
        *_thresholds_name_categories(settings),
        PLACES.has_rows("There are places.", advice="deliver the extracts of erp/locations"),
        PLACES.unique("location_id"),
        *PLACES.given("location_id", "location_type", "is_open", "is_inferred"),
        DAYS.unique("date"),
        *DAYS.given("date", "week_start", "month_start"),
        DAYS.no_rows(
            "calendar_is_whole",
            "The calendar has every day from the first sale to the end of the forecast.",
            "with wanted as (select unnest(range((select min(sold_on) from marts.fct_sales), "
            f"{day(as_of)} + {FORECAST_DAYS} + 1, interval 1 day))::date as date) "
            "select date from wanted where date not in (select date from marts.dim_date where date is not null)",
            ("date",),
            advice="a fault of the model dim_date: report it with this sample",
        ),
        CUSTOMERS.unique("source", "customer_id", shown=("source",)),
        *CUSTOMERS.given("source", "customer_id"),
    ]


def _thresholds_name_categories(settings: QualitySettings) -> list[Check]:
    """A threshold of a category that no product has is a slip of the pen: nothing else would say so."""
    if not settings.by_category:
        return []
    names = ", ".join("('" + name.replace("'", "''") + "')" for name in sorted(settings.by_category))
    return [
        PRODUCTS.no_rows(
            "thresholds_name_categories",
            "Every category of quality.by_category is one of erp/products.",
            f"select category from (values {names}) as named (category) where category not in "
            "(select category from marts.dim_product where category is not null)",
            ("category",),
            severity="warn",
            advice="write the category as erp/products does, in the same letters",
        )
    ]


def extract_checks(settings: QualitySettings) -> list[Check]:
    """Return the check on ops.file_ledger: how much of each feed stands in quarantine."""
    limit = settings.warn_quarantined_pct
    query = f"""
        select source, feed, sum(rows_quarantined) as quarantined, sum(rows_physical) as physical
        from ops.file_ledger
        where state = 'loaded'
        group by source, feed
        having sum(rows_quarantined) * 100.0 > {limit} * sum(rows_physical)
    """
    return [
        FILES.no_rows(
            "few_rows_are_quarantined",
            f"At most {limit:g} % of a feed's rows are in quarantine (quality.warn_quarantined_pct).",
            query,
            ("source", "feed", "quarantined", "physical"),
            severity="warn",
            advice="read quarantine.<source>_<feed>: every refused row stands there with its reason",
        )
    ]
