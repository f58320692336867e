"""The gates: what is asked of extracts, of business tables before forecasting, of outputs, and of the marts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from data_quality.checks import Check, applicable
from data_quality.settings import QualitySettings
from data_quality.suites.alerts import alert_checks
from data_quality.suites.customers import audience_checks, feedback_checks, next_product_checks
from data_quality.suites.dimensions import dimension_checks, extract_checks
from data_quality.suites.doubts import doubt_checks
from data_quality.suites.drift import drift_checks
from data_quality.suites.feeds import feed_checks
from data_quality.suites.forecasts import forecast_checks
from data_quality.suites.inventory import inventory_checks
from data_quality.suites.kpis import kpi_checks
from data_quality.suites.orders import order_checks
from data_quality.suites.outcomes import outcome_checks
from data_quality.suites.prices import price_checks
from data_quality.suites.ranges import range_checks
from data_quality.suites.replays import replay_checks as _replay_checks
from data_quality.suites.sales import sales_checks, sku_location_day_checks
from data_quality.suites.series import series_checks
from data_quality.suites.stock_lists import stock_list_checks

FEEDS = "feeds"
MARTS = "marts"
OUTPUTS = "outputs"
RESULTS = "results"
REPLAY = "replay"


def feeds_checks(settings: QualitySettings, as_of: date, tables: Collection[str]) -> list[Check]:
    """Return what must hold of the extracts before business tables are built from them; empty feeds are left out.

    tables: as for marts_checks.
    """
    return applicable(feed_checks(settings, as_of), tables)


def marts_checks(settings: QualitySettings, as_of: date, tables: Collection[str]) -> list[Check]:
    """Return what must hold of the business tables before anything is forecast from them.

    tables: `schema.table` names of what this night has (engine.existing_tables). A table that every night needs is
    checked whether it is there or not, and fails when it is not.
    """
    checks = [
        *extract_checks(settings),
        *sales_checks(settings, as_of),
        *inventory_checks(settings, as_of),
        *dimension_checks(settings, as_of),
        *series_checks(as_of),
        *drift_checks(settings, as_of),
        *doubt_checks(settings, as_of),
    ]
    return applicable(checks, tables)


def outputs_checks(settings: QualitySettings, as_of: date, tables: Collection[str]) -> list[Check]:
    """Return what must hold of forecasts and stock lists before they are published.

    tables: as for marts_checks. Leave out what this night did not make (no stock feed, no orders): a table of an
    earlier night fails by its as_of.
    """
    checks = [
        *forecast_checks(settings, as_of),
        *order_checks(settings, as_of),
        *stock_list_checks(as_of),
        *price_checks(as_of),
        *next_product_checks(as_of),
        *range_checks(as_of),
        *feedback_checks(as_of),
    ]
    return applicable(checks, tables)


def results_checks(settings: QualitySettings, as_of: date, tables: Collection[str]) -> list[Check]:
    """Return what must hold of the marts that are built after forecasting, before they are published.

    tables: as for marts_checks.
    """
    checks = [
        *sku_location_day_checks(settings, as_of),
        *kpi_checks(settings, as_of),
        *alert_checks(as_of),
        *audience_checks(as_of),
        *outcome_checks(as_of),
    ]
    return applicable(checks, tables)


def replay_checks(as_of: date, tables: Collection[str]) -> list[Check]:
    """Return what must hold of a replay of the company's past before nights publish it.

    tables: as for marts_checks.
    """
    return applicable(_replay_checks(as_of), tables)
