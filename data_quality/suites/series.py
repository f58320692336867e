"""Checks on what is to be forecast: the series that the night has chosen."""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table, day

SERIES = Table("intermediate.int_series_selected", ("series_id", "sku_id", "location_id"))


def series_checks(as_of: date) -> list[Check]:
    """Return the checks on intermediate.int_series_selected."""
    return [
        SERIES.has_rows(
            "There is something to forecast.",
            advice="see whether erp/ranging lists open places and products still sold, or sales are too old",
        ),
        SERIES.unique("sku_id", "location_id"),
        *SERIES.given("series_id", "sku_id", "location_id", "is_pooled"),
        SERIES.no_rows(
            "series_are_numbered",
            "series_id counts from 1 without gaps: models take it for a row number.",
            "select count(*) as series_count, count(distinct series_id) as numbers, min(series_id) as lowest, "
            "max(series_id) as highest from intermediate.int_series_selected "
            "having count(*) > 0 and (min(series_id) <> 1 or max(series_id) <> count(*) "
            "or count(distinct series_id) <> count(*))",
            ("series_count", "numbers", "lowest", "highest"),
        ),
        SERIES.no_rows(
            "products_are_known",
            "Every series is of a product of dim_product.",
            "select * from intermediate.int_series_selected where sku_id not in "
            "(select sku_id from marts.dim_product where sku_id is not null)",
            SERIES.shown,
        ),
        SERIES.no_rows(
            "places_are_known",
            "Every series is of a place of dim_location, or pooled.",
            "select * from intermediate.int_series_selected where not is_pooled and location_id not in "
            "(select location_id from marts.dim_location where location_id is not null)",
            SERIES.shown,
        ),
        SERIES.no_rows(
            "first_sale_is_not_ahead",
            f"No series was first sold after the business day {as_of}.",
            f"select * from intermediate.int_series_selected where first_sold_on > {day(as_of)}",
            (*SERIES.shown, "first_sold_on"),
        ),
    ]
