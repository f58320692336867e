"""What the page shows of the KPIs: each by week over the last year. Belongs here: SQL on kpi_daily."""

from __future__ import annotations

from orchestration.publishing.page_data import Row, Source

WEEKS_SHOWN = 52
KPIS = """
with weeks as (
    select
        date - (7 - 1 - ((max_date - date) % 7)::integer) as week_start,
        sum(net_amount)::double as net_amount,
        sum(margin_amount)::double as margin_amount,
        sum(lost_amount)::double as lost_amount,
        (100 * (1 - sum(stockout_day_count) / nullif(sum(counted_day_count), 0)))::double as availability_pct,
        (sum(stock_value_amount) filter (date = week_end))::double as stock_value_amount,
        count(distinct date) as days
    from (
        select *, max_date - 7 * ((max_date - date) // 7)::integer as week_end
        from kpi_daily cross join (select max(date) as max_date from kpi_daily)
    )
    where date > max_date - 7 * ?
    group by all
)
select * exclude (days) from weeks where days = 7 order by week_start
"""
SHOWN = ("net_amount", "margin_amount", "lost_amount", "availability_pct", "stock_value_amount")


def kpis(source: Source) -> list[Row]:
    """One row a KPI and whole week, the last ends with the business day: kpi, week_start, value."""
    if "kpi_daily" not in source.tables:
        return []
    weeks = source.rows(KPIS, WEEKS_SHOWN)
    return [
        {"kpi": name, "week_start": week["week_start"], "value": week[name]}
        for name in SHOWN
        for week in weeks
        if week[name] is not None
    ]
