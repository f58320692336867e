"""A small plausible warehouse: the relations that a night publishes, with the traps of real text in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.publishing.night import Night, OutputTable
from orchestration.publishing.publication import publish
from orchestration.publishing.settings import PublishingSettings

AS_OF = date(2024, 3, 5)  # a Tuesday: the first forecast week is already under way

QUANTILES = ", ".join(f"mean * {q} as {name}" for name, q in zip(
    ("p05", "p10", "p25", "p50", "p75", "p90", "p95", "p99"), (0.3, 0.4, 0.7, 1.0, 1.2, 1.6, 1.9, 2.6), strict=True
))  # fmt: skip

OUTPUTS = (
    OutputTable("forecast_daily", "ml.forecast_daily", ("sku_id", "location_id", "date"), False,
                "Daily forecast", "Demand by product, place and day for 28 days."),
    OutputTable("forecast_weekly", "ml.forecast_weekly", ("sku_id", "location_id", "week_start"), False,
                "Weekly forecast", "Demand by product, place and week for 26 weeks."),
    OutputTable("forecast_monthly", "ml.forecast_monthly", ("sku_id", "location_id", "month_start"), False,
                "Monthly forecast", "Demand by product, place and month for 6 months."),
    OutputTable("forecast_accuracy", "ml.forecast_accuracy", ("level", "horizon_band", "segment", "step", "metric"), False,
                "Forecast accuracy", "Errors of the backtest by level, horizon, class and step."),
    OutputTable("replenishment_orders", "ml.replenishment_orders", ("sku_id", "location_id", "supplier_id", "from_location_id"),
                True, "Order lines", "What to order tonight, with every term of the arithmetic."),
    OutputTable("data_quality", "ops.data_quality", ("table_name", "check_name"), False,
                "Data quality", "Every check of the night on every table."),
)  # fmt: skip

SQL = """
create schema marts; create schema ml; create schema ops;
create table marts.dim_product as
select lpad((i * 37)::varchar, 7, '0') as sku_id,
    case i when 0 then '=HYPERLINK("http://example.invalid")' when 1 then '<script>alert(1)</script> & "Söhne"'
        when 2 then '北京烤鸭 (整只)' else 'Product ' || i end as product_name,
    {departments} as department, 'Category ' || (i % 9) as category
from range({products}) as t(i);
comment on table marts.dim_product is 'One row a product.';
comment on column marts.dim_product.sku_id is 'Key of the product.';
create table marts.dim_location as
select 'S' || lpad(i::varchar, 3, '0') as location_id, 'Store ' || i as location_name, 'R' || (i % 2) as region
from range({places}) as t(i);
create table marts.mart_sku_location_day as
select p.sku_id, l.location_id, d.date::date as date,
    greatest(0, floor(3 + 2 * sin(epoch(d.date) / 8e5) + (hash(p.sku_id, l.location_id, d.date) % 5) - 1.0))::double as units_qty
from marts.dim_product as p, marts.dim_location as l,
    (select unnest(generate_series(date '{as_of}' - {history_days}, date '{as_of}', interval 1 day)) as date) as d;
create table ml.forecast_daily as
with f as (select p.sku_id, l.location_id, (date '{as_of}' + 1 + h.h::integer) as date, 2.5 + (hash(p.sku_id, h.h) % 100) / 50.0 as mean
    from marts.dim_product as p, marts.dim_location as l, range(28) as h(h))
select date '{as_of}' as as_of, sku_id, location_id, date, mean, {quantiles}, 'lightgbm' as model, 'smooth' as segment from f;
create table ml.forecast_weekly as
with w as (select (date_trunc('week', date '{as_of}' + 1)::date + 7 * h.h::integer) as week_start from range(27) as h(h)),
c as (select week_start, (week_start + 7 - greatest(week_start, date '{as_of}' + 1))::integer as days_covered from w),
f as (
    select p.sku_id, l.location_id, c.week_start, c.days_covered,
        coalesce(d.mean, c.days_covered * (3.2 + (hash(p.sku_id, c.week_start) % 100) / 90.0)) as mean
    from marts.dim_product as p cross join marts.dim_location as l cross join c
    left join (select sku_id, location_id, date_trunc('week', date)::date as week_start, sum(mean) as mean, count(*) as days
               from ml.forecast_daily group by all) as d
        on d.sku_id = p.sku_id and d.location_id = l.location_id and d.week_start = c.week_start and d.days = c.days_covered
)
select date '{as_of}' as as_of, sku_id, location_id, week_start, mean, {quantiles}, 'lightgbm' as model, 'smooth' as segment,
    days_covered from f;
create table ml.forecast_monthly as
with f as (select p.sku_id, l.location_id, (date_trunc('month', date '{as_of}') + to_months(h.h::integer))::date as month_start,
        95.0 + (hash(p.sku_id, h.h) % 10) as mean
    from marts.dim_product as p, marts.dim_location as l, range(6) as h(h))
select date '{as_of}' as as_of, sku_id, location_id, month_start, mean, {quantiles}, 'lightgbm' as model, 'smooth' as segment,
    case h when 0 then 26 else 30 end as days_covered
from (select f.*, dense_rank() over (order by month_start) - 1 as h from f);
create table ml.forecast_accuracy as
select l.level, b.band as horizon_band, 'all' as segment, s.step, m.metric,
    case m.metric when 'wmape' then l.base * b.worse * s.factor else 0.012 * s.factor end as value,
    case m.metric when 'wmape' then l.base * b.worse * 1.35 else 0.02 end as baseline_value, l.series, '2023-08-15' as cutoffs
from (values ('sku_location', 0.52, 240), ('sku', 0.31, 24), ('total', 0.06, 1)) as l(level, base, series),
    (values ('1-4', 1.0), ('5-13', 1.12), ('14-26', 1.2)) as b(band, worse),
    (values ('naive_seasonal', 1.35), ('moving_average', 1.15), ('lightgbm', 1.0), ('reconciled', 0.98)) as s(step, factor),
    (values ('wmape'), ('bias')) as m(metric);
create table ml.replenishment_orders as
with lines as (
    select p.sku_id, l.location_id, hash(p.sku_id, l.location_id) % 1000 as h
    from marts.dim_product as p, marts.dim_location as l
), terms as (
    select *, (h % 40)::double as on_hand_qty, 30 + (h % 25)::double as target_qty, 6.0::double as order_multiple from lines
), needs as (
    select *, on_hand_qty - 0 as inventory_position_qty, greatest(0, target_qty - on_hand_qty) as need_qty from terms
), sized as (
    select *, ceil(need_qty / order_multiple) * order_multiple as after_pack_qty from needs
)
select date '{as_of}' as as_of, sku_id, location_id, case when h % 3 > 0 then 'V' || (h % 5) end as supplier_id,
    case when h % 3 = 0 then 'S000' end as from_location_id, date '{as_of}' + 1 + (h % 3)::integer as order_on, 'cycle' as service_type,
    0.95::double as service_target, 7.0::double as lead_time_days, 7 as review_days, 14 as protection_days,
    target_qty * 0.8 as demand_mean_qty, target_qty, on_hand_qty, 0.0::double as reserved_qty, 0.0::double as backorder_qty,
    0.0::double as on_order_qty, 0.0::double as in_transfer_qty, inventory_position_qty, need_qty, after_pack_qty,
    order_multiple, 0.0::double as min_order_qty, case when h % 17 = 0 then 0.0 else after_pack_qty end as order_qty,
    1.25 + (h % 30) as unit_cost, case when h % 17 = 0 then 0.0 else after_pack_qty * (1.25 + (h % 30)) end as order_value,
    date '{as_of}' + 3 + (h % 9)::integer as stockout_on, (h % 7)::double as expected_lost_qty, 'rounded_to_pack' as reason_codes,
    case when h % 17 = 0 then 'the stock record is 9 days old' end as withheld_reason,
    'Demand of ' || round(target_qty * 0.8, 1) || ' over 14 days (order on Wednesday, 7 days lead time, 7 days review); '
        || target_qty || ' keeps 95 % service. In stock ' || on_hand_qty || ', so ' || need_qty || ' are needed, '
        || after_pack_qty || ' in packs of 6.' as explanation
from sized where need_qty > 0;
create table ops.data_quality as
select 'marts.fct_sales' as table_name, 'check ' || i as check_name, i <> 3 as passed,
    case i when 3 then 'warning' else 'error' end as severity, case i when 3 then 12 else 0 end::bigint as failed_rows,
    case i when 3 then '[{{"sku_id": "<b>1</b>"}}]' end as sample
from range(8) as t(i);
"""


def build_warehouse(
    path: Path, *, products: int = 12, places: int = 4, departments: int = 3, history_days: int = 400
) -> Path:
    """Write a warehouse file. Deterministic: hashes in place of random numbers."""
    with duckdb.connect(str(path)) as con:
        con.execute(
            SQL.format(
                as_of=AS_OF, products=products, places=places, history_days=history_days, quantiles=QUANTILES,
                departments=f"'Department ' || (i % {departments})",
            )  # fmt: skip
        )
    return path


def night_of(run_id: str = "2024-03-05-a", **changes: object) -> Night:
    """Describe a night; keyword arguments replace fields."""
    sales = {"name": "pos/sales/2024-03-05.csv", "feed": "pos/sales", "sha256": "ab" * 32, "rows_physical": 1000,
             "rows_loaded": 990, "rows_quarantined": 4, "rows_excluded": 3, "rows_duplicate": 2, "rows_superseded": 1}  # fmt: skip
    stock = {"name": "erp/inventory/all.parquet", "feed": "erp/inventory", "sha256": "cd" * 32, "rows_physical": 48,
             "rows_loaded": 48, "rows_quarantined": 0, "rows_excluded": 0, "rows_duplicate": 0, "rows_superseded": 0}  # fmt: skip
    fields: dict[str, object] = {
        "run_id": run_id, "as_of": AS_OF, "company": "Söhne & Co <Berlin>", "currency": "EUR", "code_version": "0.1.0",
        "settings_hash": "0123456789abcdef", "inputs": [sales, stock], "models": [{"name": "lightgbm", "series": 48}],
        "warnings": ["4 rows are quarantined: <b>see</b> the list"], "absent": {"transfer_orders": "no erp/lanes"},
        "simulated_feeds": ("erp/inventory",), "data_docs": None,
    }  # fmt: skip
    return Night(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def warehouse_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small warehouse, built once; tests only read it."""
    return build_warehouse(tmp_path_factory.mktemp("warehouse") / "shelfcast.duckdb")


@pytest.fixture
def con(warehouse_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the small warehouse, with two threads like a night's."""
    with duckdb.connect(str(warehouse_file), read_only=True, config={"threads": 2}) as connection:
        yield connection


@pytest.fixture
def run_night(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Callable[..., Path]:
    """Publish a night into tmp_path/home/published; keyword arguments: outputs, settings, or fields of Night."""

    def run(run_id: str = "2024-03-05-a", outputs: tuple[OutputTable, ...] = OUTPUTS, keep_runs: int = 14, **changes: object) -> Path:
        return publish(
            con, night_of(run_id, **changes), outputs, published_dir=tmp_path / "home" / "published",
            settings=PublishingSettings(keep_runs=keep_runs), say=lambda line: None,
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def night_folder(warehouse_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One published night that tests only read."""
    published = tmp_path_factory.mktemp("home") / "published"
    with duckdb.connect(str(warehouse_file), read_only=True, config={"threads": 2}) as connection:
        return publish(
            connection, night_of(), OUTPUTS, published_dir=published, settings=PublishingSettings(), say=lambda line: None
        )
