"""Checks on forecasts: complete, in order, coherent, and of the size of what was sold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from data_quality.checks import NO_NUMBER, Check, Severity, Table, day
from data_quality.settings import QualitySettings

QUANTILES = ("p05", "p10", "p25", "p50", "p75", "p90", "p95", "p99")
FAULT = "a fault of the forecaster: report it with this sample"


@dataclass(frozen=True)
class Horizon:
    """A forecast table: the column of its periods, and SQL over `first`, `last`, `periods` for what a whole one has."""

    table: Table
    period: str
    is_whole: str
    described: str


def forecast_checks(settings: QualitySettings, as_of: date) -> list[Check]:
    """Return the checks on the tables of the forecast: ml.forecast_*."""
    checks = [check for horizon in _horizons(as_of) for check in _horizon_checks(horizon, as_of)]
    return [
        *checks,
        _covered_weeks(as_of),
        _covered_months(as_of),
        _days_add_up(),
        *_size(settings, as_of),
        _accuracy(),
        *_hierarchy(as_of),
        _drivers_add_up(),
        *_promotions(as_of),
        *_fallbacks(settings),
    ]


def _horizons(as_of: date) -> list[Horizon]:
    shown = ("sku_id", "location_id")
    tomorrow = f"({day(as_of)} + 1)"
    return [
        Horizon(
            Table("ml.forecast_daily", (*shown, "date")),
            "date",
            f"first = {tomorrow} and last = {tomorrow} + 27 and periods = 28",
            f"28 days after {as_of}",
        ),
        Horizon(
            Table("ml.forecast_weekly", (*shown, "week_start")),
            "week_start",
            # a 27th week when the first one is under way, that is, when it began on or before the business day
            f"first between {tomorrow} - 6 and {tomorrow} and last = first + 7 * (periods - 1)::integer "
            f"and periods = 26 + (first < {tomorrow})::integer",
            f"26 weeks after {as_of}, and one more when the first is under way",
        ),
        Horizon(
            Table("ml.forecast_monthly", (*shown, "month_start")),
            "month_start",
            f"first = date_trunc('month', {tomorrow}) and last = first + interval 5 month and periods = 6",
            f"6 months, the first holding the day after {as_of}",
        ),
    ]


def _horizon_checks(horizon: Horizon, as_of: date) -> list[Check]:
    table, period = horizon.table, horizon.period
    numbers = ["mean", *QUANTILES]
    sound = " and ".join([*(f"{n} >= 0 and {n} < {NO_NUMBER:.0f}" for n in numbers), "model <> ''", "segment <> ''"])
    crossed = " or ".join(f"{a} > {b} + 1e-9" for a, b in pairwise(QUANTILES))
    whole = f"""
        with forecast as (
            select sku_id, location_id, count(*) as periods, min({period}) as first, max({period}) as last
            from {table.name} group by sku_id, location_id
        ),
        selected as (
            select sku_id, location_id, true as is_selected from ml.demand_series
        )
        select sku_id, location_id, coalesce(is_selected, false) as is_selected, periods, first, last
        from selected full join forecast using (sku_id, location_id)
        where is_selected is null or ({horizon.is_whole}) is not true
    """
    return [
        table.has_rows("There are forecasts.", advice=FAULT),
        table.unique("sku_id", "location_id", period),
        *table.given("sku_id", "location_id", period),
        table.of_business_day(as_of, advice=FAULT),
        table.no_rows(
            "nothing_is_missing_or_negative",
            "Mean and quantiles are numbers of zero or more; model and segment are named.",
            f"select * from {table.name} where ({sound}) is not true",
            (*table.shown, "mean", "p05", "p50", "p99", "model", "segment"),
            advice=FAULT,
        ),
        table.no_rows(
            "quantiles_never_cross",
            "A higher quantile is never below a lower one.",
            f"select * from {table.name} where {crossed}",
            (*table.shown, *QUANTILES),
            advice=FAULT,
        ),
        table.no_rows(
            "every_series_is_whole",
            f"Every selected series, and no other, has the {horizon.described}.",
            whole,
            ("sku_id", "location_id", "is_selected", "periods", "first", "last"),
            advice=FAULT,
        ),
    ]


def _covered_weeks(as_of: date) -> Check:
    table = Table("ml.forecast_weekly", ("sku_id", "location_id", "week_start"))
    return table.no_rows(
        "days_covered_are_right",
        "days_covered is 7, or what is left of a week under way.",
        f"select * from {table.name} "
        f"where days_covered is distinct from week_start + 6 - greatest(week_start - 1, {day(as_of)})",
        (*table.shown, "days_covered"),
        advice=FAULT,
    )


def _covered_months(as_of: date) -> Check:
    table = Table("ml.forecast_monthly", ("sku_id", "location_id", "month_start"))
    return table.no_rows(
        "days_covered_are_right",
        "days_covered is the length of the month, or what is left of one under way.",
        f"select * from {table.name} "
        f"where days_covered is distinct from last_day(month_start) - greatest(month_start - 1, {day(as_of)})",
        (*table.shown, "days_covered"),
        advice=FAULT,
    )


def _days_add_up() -> Check:
    # days find their week by number, not by comparing dates with every week: 5 million days join in 2 s
    query = """
        with weeks as (
            select distinct week_start from ml.forecast_weekly
        ),
        calendar as (
            select dates.date, weeks.week_start
            from (select distinct date from ml.forecast_daily) as dates
            inner join weeks on dates.date >= weeks.week_start and dates.date < weeks.week_start + 7
        ),
        days as (
            select sku_id, location_id, week_start, sum(mean) as sum_of_days, count(*) as day_count
            from ml.forecast_daily inner join calendar using (date)
            group by sku_id, location_id, week_start
        )
        select sku_id, location_id, week_start, weekly.mean, days.sum_of_days
        from ml.forecast_weekly as weekly inner join days using (sku_id, location_id, week_start)
        where days.day_count = weekly.days_covered and (abs(weekly.mean - days.sum_of_days) <= 1e-6) is not true
    """
    table = Table("ml.forecast_weekly", ("sku_id", "location_id", "week_start"))
    return table.no_rows(
        "days_add_up_to_weeks",
        "The days of a week sum to it, to 1e-6, wherever all its days are forecast.",
        query,
        (*table.shown, "mean", "sum_of_days"),
        advice=FAULT,
    )


def _size(settings: QualitySettings, as_of: date) -> list[Check]:
    """The next 28 days are of the size of the last 28; where nothing was sold, there is no size to compare with."""
    query = f"""
        with ahead as (
            select sum(mean) as forecast_qty from ml.forecast_daily
        ),
        behind as (
            select sum(sales_qty) as sold_qty from ml.demand_history
            where date between {day(as_of)} - 27 and {day(as_of)}
        )
        select ahead.forecast_qty, behind.sold_qty, ahead.forecast_qty / behind.sold_qty as ratio
        from ahead cross join behind
        where behind.sold_qty > 0
            and (ahead.forecast_qty between {{low}} * behind.sold_qty and {{high}} * behind.sold_qty) is not true
    """
    grades: tuple[tuple[str, Severity, str, float, float], ...] = (
        (
            "total_is_plausible",
            "warn",
            "warn_forecast_low, warn_forecast_high",
            settings.warn_forecast_low,
            settings.warn_forecast_high,
        ),
        ("total_is_possible", "error", "min_forecast, max_forecast", settings.min_forecast, settings.max_forecast),
    )
    table = Table("ml.forecast_daily", ())
    return [
        table.no_rows(
            name,
            f"The next 4 weeks are {low:g} to {high:g} times the sales of the last 4 (quality.{setting}).",
            query.format(low=low, high=high),
            ("forecast_qty", "sold_qty", "ratio"),
            severity=severity,
            advice="compare the last weeks with the year before; where such a jump is right, widen the setting",
        )
        for name, severity, setting, low, high in grades
    ]


def _accuracy() -> Check:
    return Table("ml.forecast_accuracy", ()).has_rows(
        "The accuracy of past forecasts is known.",
        severity="warn",
        advice="the history is too short for a backtest; forecasts of the first months cannot be judged",
    )


def _hierarchy(as_of: date) -> list[Check]:
    table = Table("ml.forecast_hierarchy", ("level", "node", "period_type", "period_start"))
    crossed = " or ".join(f"{a} > {b} + 1e-9" for a, b in pairwise(QUANTILES))
    numbers = " and ".join(f"{name} >= 0 and {name} < {NO_NUMBER:.0f}" for name in ("mean", *QUANTILES))
    adds_up = """
        with series as (
            select 'week' as period_type, week_start as period_start, sum(mean) as series_mean
            from ml.forecast_weekly group by week_start
            union all
            select 'month', month_start, sum(mean) from ml.forecast_monthly group by month_start
        ),
        levels as (
            select level, period_type, period_start, sum(mean) as level_mean
            from ml.forecast_hierarchy group by level, period_type, period_start
        )
        select level, period_type, period_start, level_mean, series_mean
        from levels full join series using (period_type, period_start)
        where (abs(level_mean - series_mean) <= 1e-6 + 1e-9 * series_mean) is not true
    """
    return [
        table.has_rows("The hierarchy is forecast.", advice=FAULT),
        table.unique("level", "node", "period_type", "period_start"),
        table.of_business_day(as_of, advice=FAULT),
        table.no_rows(
            "quantiles_are_in_order",
            "Mean and quantiles are numbers of zero or more, and a higher quantile is never below a lower one.",
            f"select * from {table.name} where ({numbers}) is not true or {crossed}",
            (*table.shown, "mean", *QUANTILES),
            advice=FAULT,
        ),
        table.no_rows(
            "levels_add_up_to_the_series",
            "The nodes of every level sum to the forecast of all series, week by week and month by month.",
            adds_up,
            ("level", "period_type", "period_start", "level_mean", "series_mean"),
            advice=FAULT,
        ),
    ]


def _drivers_add_up() -> Check:
    query = """
        with drivers as (
            select sku_id, location_id, sum(amount) as drivers_sum from ml.forecast_drivers group by sku_id, location_id
        ),
        days as (
            select sku_id, location_id, sum(mean) as days_sum from ml.forecast_daily group by sku_id, location_id
        )
        select sku_id, location_id, drivers_sum, days_sum
        from drivers full join days using (sku_id, location_id)
        where (abs(drivers_sum - days_sum) <= 1e-6 + 1e-9 * days_sum) is not true
    """
    table = Table("ml.forecast_drivers", ("sku_id", "location_id"))
    return table.no_rows(
        "drivers_add_up",
        "The drivers of a series sum to its forecast of the next 28 days.",
        query,
        (*table.shown, "drivers_sum", "days_sum"),
        advice=FAULT,
    )


def _promotions(as_of: date) -> list[Check]:
    table = Table("ml.forecast_promotions", ("sku_id", "location_id", "promotion_id"))
    shown = (*table.shown, "covers_from", "covers_to")
    sums = f"""
        select p.sku_id, p.location_id, p.promotion_id, any_value(p.with_qty) as with_qty, sum(d.mean) as days_sum
        from {table.name} as p left join ml.forecast_daily as d
            on d.sku_id = p.sku_id and d.location_id = p.location_id and d.date between p.covers_from and p.covers_to
        where p.covers_to <= {day(as_of)} + 28
        group by p.sku_id, p.location_id, p.promotion_id
        having (abs(any_value(p.with_qty) - sum(d.mean)) <= 1e-6 + 1e-9 * sum(d.mean)) is not true
    """
    return [
        table.unique("sku_id", "location_id", "promotion_id"),
        table.of_business_day(as_of, advice=FAULT),
        table.no_rows(
            "covers_days_ahead_of_the_promotion",
            "The days covered lie ahead, within the promotion.",
            f"select * from {table.name} where (covers_from > {day(as_of)} and covers_from >= starts_on and "
            "covers_to <= ends_on and covers_from <= covers_to) is not true",
            shown,
            advice=FAULT,
        ),
        table.no_rows(
            "uplift_is_with_less_without",
            "Quantities are numbers, with and without not below zero, and the uplift is their difference.",
            f"select * from {table.name} where (with_qty >= 0 and with_qty < {NO_NUMBER:.0f} and without_qty >= 0 and "
            f"without_qty < {NO_NUMBER:.0f} and abs(after_qty) < {NO_NUMBER:.0f} and "
            "abs(with_qty - without_qty - uplift_qty) <= 1e-6 + 1e-9 * with_qty) is not true",
            (*table.shown, "with_qty", "without_qty", "uplift_qty", "after_qty"),
            advice=FAULT,
        ),
        table.no_rows(
            "with_is_the_published_forecast",
            "With the promotion is the sum of the published days, where all days covered are published.",
            sums,
            (*table.shown, "with_qty", "days_sum"),
            advice=FAULT,
        ),
    ]


def _fallbacks(settings: QualitySettings) -> list[Check]:
    table = Table("ml.forecast_fallbacks", ("reason", "used", "of_all"))
    advice = "look into the log of the forecasts for why the model failed; the night is right, but simpler than usual"
    return [
        table.no_rows(
            "nothing_failed",
            "No model failed, so none was replaced by a simpler one.",
            f"select * from {table.name} where used > 0",
            table.shown,
            severity="warn",
            advice=advice,
        ),
        table.no_rows(
            "few_series_fell_back",
            f"At most {settings.max_fallback_pct:g} % of the series are forecast by a simpler method than the backtest "
            "chose (quality.max_fallback_pct).",
            f"select * from {table.name} where of_all > 0 and used * 100.0 > {settings.max_fallback_pct} * of_all",
            table.shown,
            advice=advice,
        ),
    ]
