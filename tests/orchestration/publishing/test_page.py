"""The page of the night: true, self-contained, safe with any text, whole when parts are absent."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from conftest import OUTPUTS, SERIES, build_warehouse, input_file, night_of, quietly

from ml.planning.transfers import TRANSFERS_SCHEMA
from ml.response.past_promotions import ROI_BY_CHANNEL_SCHEMA
from orchestration.publishing import page_data, page_forecast, page_orders, page_replay
from orchestration.publishing.night import OutputTable
from orchestration.publishing.publication import publish
from orchestration.publishing.settings import PublishingSettings
from orchestration.publishing.words import words as catalogue

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
BY_NAME = {table.name: table for table in OUTPUTS}
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Reads a page as a browser would: text that is shown, attributes that load or lead somewhere, balance of tags."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.charts: dict[str, Any] = {}
        self._chart: str | None = None
        self.feed(html)
        self.close()
        assert self.open == []

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [given[name] or "" for name in ("src", "href", "srcset", "action") if name in given]
        self.ids += [given["id"] or ""] if "id" in given else []
        assert not any(name.startswith("on") for name in given), f"inline handler in {tag}"
        self._chart = given.get("data-chart")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._chart:
            self.charts[self._chart] = json.loads(data)
            self._chart = None
        elif self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)


def page_of(folder: Path) -> Reader:
    return Reader((folder / "index.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def page(night_folder: Path) -> Reader:
    return page_of(night_folder)


def without(*names: str) -> tuple[OutputTable, ...]:
    return tuple(table for table in OUTPUTS if table.name not in names)


def test_the_first_screen_says_what_a_planner_asks(page: Reader) -> None:
    assert "Usable, with remarks. 1 of 8 checks failed" in page.text
    assert "Tuesday, 5 March 2024" in page.text
    assert "1,048" in page.text
    assert "49% seasonal naive 30%" in page.text
    assert "transfer orders: erp/lanes was not delivered" in page.text


def test_numbers_on_the_page_are_those_of_the_tables(page: Reader, night_folder: Path) -> None:
    lines, value, withheld = duckdb.execute(
        "select count(*) filter (order_qty > 0), sum(order_value) filter (order_qty > 0), count(withheld_reason) "
        f"from read_parquet('{night_folder}/replenishment_orders.parquet')"
    ).fetchall()[0]
    assert f"{lines:,} lines worth EUR {value:,.0f}" in page.text
    assert f"{withheld:,} more withheld" in page.text
    bars = page.charts["orders"]["data"]["values"]
    assert sum(bar["value"] for bar in bars) == pytest.approx(value)
    weeks = page.charts["sales"]["data"]["values"]
    ahead = [week["units"] for week in weeks if week["kind"] == "forecast"]
    weekly = f"read_parquet('{night_folder}/forecast_weekly.parquet')"
    expected = duckdb.execute(f"select sum(mean) from {weekly} group by week_start order by week_start").fetchall()
    assert len(ahead) == 27
    assert ahead[1:] == [round(row[0], 1) for row in expected[1:]]
    assert ahead[0] > expected[0][0]  # the week under way: what was sold so far and the rest


def test_text_from_the_tables_is_shown_and_not_run(page: Reader, night_folder: Path) -> None:
    html = (night_folder / "index.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in html
    for text in ('<script>alert(1)</script> & "Söhne"', "北京烤鸭 (整只)", '=HYPERLINK("http://example.invalid")'):
        assert text in page.text
    assert "Söhne & Co <Berlin>" in page.text
    assert "4 rows are quarantined: <b>see</b> the list" in page.text
    assert "Every <sale> names a known product" in page.text


def test_text_in_charts_cannot_end_the_script(tmp_path: Path) -> None:
    build_warehouse(tmp_path / "w.duckdb", products=4, places=2)
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("update marts.dim_product set department = '</script><!--<script>' || department || '&amp;'")
        folder = publish(
            con, night_of(), OUTPUTS, published_dir=tmp_path / "out", settings=PublishingSettings(), say=quietly
        )
    page = page_of(folder)
    labels = [bar["label"] for bar in page.charts["orders"]["data"]["values"]]
    assert len(labels) == 3
    assert all(label.startswith("</script><!--<script>Department") and label.endswith("&amp;") for label in labels)


def test_the_page_loads_nothing_and_leads_to_files_that_exist(page: Reader, night_folder: Path) -> None:
    for address in page.addresses:
        if address.startswith("#"):
            assert address[1:] in page.ids
        elif address != "data:,":
            assert "//" not in address
            # a report's page is the business of the checks; this night has their index only
            assert (night_folder / address).exists() or address.startswith("data_docs/marts/")
    html = (night_folder / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"@import|url\(\s*['\"]?(?!data:)", html.split("</style>")[0])
    assert "default-src 'none'" in html  # the browser itself refuses every request
    assert len(html.encode()) < 3_000_000


def test_ids_are_unique_and_every_chart_has_a_place(page: Reader) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert set(page.charts) == {"orders", "replay", "sales", "accuracy-0", "accuracy-2"}
    assert {f"chart-{key}" for key in page.charts} <= set(page.ids)


def test_simulated_data_are_called_so_wherever_they_are_shown(run_night: Callable[..., Path]) -> None:
    plain = (run_night("a", OUTPUTS, simulated_feeds=()) / "index.html").read_text(encoding="utf-8")
    assert 'class="badge"' not in plain
    marked = (run_night("b", OUTPUTS, simulated_feeds=("erp/sourcing",)) / "index.html").read_text(encoding="utf-8")
    # orders rest on sourcing, forecasts do not
    assert 'id="orders-title">Orders <span class="badge"' in marked
    assert 'id="sales-title">Sales and forecast <span class="badge"' not in marked
    assert "Rests on simulated data: erp/sourcing" in marked


@pytest.mark.parametrize(
    "absent", ["replenishment_orders", "forecast_accuracy", "data_quality", "forecast_weekly", "mart_policy_replay"]
)
def test_an_absent_table_leaves_its_reason(run_night: Callable[..., Path], absent: str) -> None:
    page = page_of(run_night(outputs=without(absent), absent={absent: "because <it> is not there"}))
    assert "because <it> is not there" in page.text
    assert f"{absent}.parquet" not in page.addresses


def test_a_night_with_nothing_but_checks_has_a_page(run_night: Callable[..., Path]) -> None:
    folder = run_night(outputs=without(*(name for name in BY_NAME if name != "data_quality")), warnings=[], inputs=[])
    page = page_of(folder)
    assert page.charts == {}
    assert "none tonight" in page.text
    assert (folder / "index.html").stat().st_size < 100_000  # no chart, no script


def publish_one(tmp_path: Path, sql: str, outputs: Sequence[OutputTable] = OUTPUTS, **warehouse: int) -> Path:
    build_warehouse(tmp_path / "w.duckdb", **warehouse)
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute(sql)
        return publish(
            con,
            night_of(),
            outputs,
            published_dir=tmp_path / "out",
            settings=PublishingSettings(top_lines=3),
            say=quietly,
        )


def test_each_stock_list_shows_its_first_lines_or_why_it_is_absent(tmp_path: Path) -> None:
    build_warehouse(tmp_path / "w.duckdb")
    moves = OutputTable("transfer_orders", "ml.transfer_orders", ("sku_id",), True, "Transfers", "Moves.")
    night = night_of(absent={"allocation": "no erp/sourcing delivered"}, simulated_feeds=("erp/lanes",))
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        line = {
            "from_location_id": "L01",
            "to_location_id": "L02",
            "sku_id": "P0001",
            "qty": 6.0,
            "net_gain_amount": 7.5,
        }
        line |= {"order_gain_amount": 2.0, "gain_amount": 8.0, "cost_amount": 0.5, "explanation": "Move 6 <b>now</b>."}
        line |= {"ship_on": date(2024, 3, 6), "as_of": date(2024, 3, 5), "source_movable_qty": 9.0}
        con.register("moved", pl.DataFrame([line], {**TRANSFERS_SCHEMA, "as_of": pl.Date, "explanation": pl.String}))
        con.execute("create table ml.transfer_orders as from moved")
        where, settings = tmp_path / "out", PublishingSettings()
        folder = publish(con, night, (*OUTPUTS, moves), published_dir=where, settings=settings, say=quietly)
    page = page_of(folder)
    assert "1 moves of 6 units are worth 8 more than they cost; 1 of them in place of an order." in page.text
    assert "Move 6 <b>now</b>." in page.text, "shown, not run"
    assert "Absent: no erp/sourcing delivered" in page.text
    assert "Absent: not part of this night." in page.text, "open orders"
    assert "transfer_orders.xlsx" in page.addresses
    zh = Reader((folder / "index.zh.html").read_text(encoding="utf-8"))
    assert "可调 9" in zh.text
    assert "比订货更值" in zh.text
    assert "Move 6" not in zh.text
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert 'id="lists-title">Moves, allocation, promises, open orders <span class="badge"' in html


def test_a_chinese_page_holds_no_english_sentence(night_folder: Path) -> None:
    html = (night_folder / "index.zh.html").read_text(encoding="utf-8")
    # of the data team, and said to be English
    own = re.sub(r'<(\w+)[^>]* lang="en"[^>]*>.*?</\1>', "", html, flags=re.DOTALL)
    hostile = "min/max <on> average sales"  # a policy that no catalogue knows
    assert re.findall(r"[A-Za-z][a-z']*(?: [a-z']+){3,}", Reader(own).text.replace(hostile, "")) == []


def test_returns_by_channel_stand_under_those_of_promotions(tmp_path: Path) -> None:
    build_warehouse(tmp_path / "w.duckdb")
    split = OutputTable(
        "promotion_roi_by_channel", "ml.promotion_roi_by_channel", ("channel",), True, "Returns", "Both."
    )
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        rows = [
            {"level": "mechanic", "mechanic": "display", "channel": channel, "explanation": said}
            | {
                "net_margin_effect_amount": effect,
                "promotion_count": 1,
                "promotion_cost_amount": 10.0,
                "claim": "gains",
            }
            for channel, effect, said in (("web", -2.0, "The web lost."), ("store", 5.0, "The till won."))
        ]
        con.register("split", pl.DataFrame(rows, schema=ROI_BY_CHANNEL_SCHEMA))
        con.execute("create table ml.promotion_roi_by_channel as from split")
        where, settings = tmp_path / "out", PublishingSettings()
        folder = publish(con, night_of(), (*OUTPUTS, split), published_dir=where, settings=settings, say=quietly)
    page = page_of(folder)
    assert "What the promotions above brought over 2 channels: store, web." in page.text
    assert page.text.index("The till won.") < page.text.index("The web lost.")


def test_one_department_gives_way_to_suppliers(tmp_path: Path) -> None:
    page = page_of(publish_one(tmp_path, "", products=6, places=3, departments=1))
    assert "Order value by supplier, EUR" in page.text
    assert "The 3 most valuable lines, and why" in page.text


def test_one_of_everything_needs_no_chart(tmp_path: Path) -> None:
    page = page_of(
        publish_one(
            tmp_path,
            "update ml.replenishment_orders set supplier_id = 'V1', order_qty = 6, withheld_reason = null",
            products=1,
            places=1,
            departments=1,
        )
    )
    assert "orders" not in page.charts
    assert "1 line worth" in page.text


def test_no_line_to_order_is_said(tmp_path: Path) -> None:
    page = page_of(publish_one(tmp_path, "update ml.replenishment_orders set order_qty = 0", products=2, places=1))
    assert "No line to order tonight." in page.text


def test_a_night_all_of_whose_checks_passed_is_good(tmp_path: Path) -> None:
    page = page_of(publish_one(tmp_path, "update ops.data_quality set passed = true", products=2, places=1))
    assert "Tonight’s data is good. All 8 checks passed and every row read is accounted for." in page.text  # noqa: RUF001 the page's own


def test_rows_that_do_not_add_up_are_said_first(run_night: Callable[..., Path]) -> None:
    page = page_of(run_night(inputs=[input_file("pos/sales", 100, 90, 4, 3, 1, 1)]))
    assert "Rows are missing." in page.text


def test_feeds_are_added_up_over_their_files() -> None:
    night = night_of(
        inputs=[
            input_file("erp/products", 5, 5, 0, 0, 0, 0),
            input_file("pos/sales", 10, 7, 1, 1, 1, 0),
            input_file("pos/sales", 20, 20, 0, 0, 0, 0),
        ]
    )
    sales, products = page_data.feeds(night.inputs)
    assert (sales["feed"], sales["files"], sales["rows_physical"], sales["rows_quarantined"]) == ("pos/sales", 2, 30, 1)
    assert sales["adds_up"]
    assert products["adds_up"]
    total = page_data.all_feeds([sales, products])
    assert (total["files"], total["rows_physical"], total["rows_loaded"]) == (3, 35, 32)


def source_with(sql: str) -> page_data.Source:
    con = duckdb.connect()
    con.execute(sql)
    return page_data.source_of(con)


WEEKS = """
create table forecast_weekly (sku_id varchar, location_id varchar, week_start date, mean double);
insert into forecast_weekly values
    ('a', 'x', '2024-03-04', 5), ('a', 'y', '2024-03-04', 1), ('a', 'x', '2024-03-11', 7);
create table mart_sku_location_day (date date, units_qty decimal(18, 3));
insert into mart_sku_location_day values
    ('2024-02-14', 100), ('2024-02-18', 1), ('2024-02-19', 2), ('2024-02-25', 3), ('2024-03-03', 4), ('2024-03-05', 50);
"""


def test_weeks_of_sales_begin_where_the_forecasts_do() -> None:
    sales = page_forecast.sales_and_forecast(source_with(WEEKS), history_weeks=10)
    assert sales is not None
    # the week of 12 February is only known from the 14th on: left out. The week under way: 50 sold, 6 to come.
    assert [(str(week["week_start"]), week["kind"], week["units"]) for week in sales["weeks"]] == [
        ("2024-02-19", "sold", 5),
        ("2024-02-26", "sold", 4),
        ("2024-03-04", "forecast", 56),
        ("2024-03-11", "forecast", 7),
    ]
    assert (sales["products"], sales["places"], sales["series"]) == (1, 2, 2)
    assert sales["next_4"] is None


def test_history_is_as_long_as_set() -> None:
    sales = page_forecast.sales_and_forecast(source_with(WEEKS), history_weeks=1)
    assert sales is not None
    assert [week["kind"] for week in sales["weeks"]] == ["sold", "forecast", "forecast"]


def test_accuracy_is_headed_by_the_finest_level_and_the_nearest_weeks(night_folder: Path) -> None:
    with duckdb.connect(str(night_folder / "marts.duckdb"), read_only=True) as con:
        found = page_forecast.accuracy(page_data.source_of(con))
    assert found is not None
    assert found["levels"] == ["sku_location", "sku", "total"]
    assert found["step"] == "reconciled"
    assert [row["horizon_band"] for row in found["table"][:3]] == ["1-4", "5-13", "14-26"]
    assert found["table"][0]["coverage_p90"] == 0.89
    assert found["table"][3]["coverage_p90"] is None
    steps = [(row["step"], round(row["value"], 4), row["saved"] and round(row["saved"], 4)) for row in found["steps"]]
    assert steps[:2] == [("naive_seasonal", 0.702, None), ("moving_average", 0.598, 0.104)]  # 0.52 x 1.35, x 1.15
    assert [step for step, *_ in steps] == ["naive_seasonal", "moving_average", "lightgbm", "selected", "reconciled"]


def test_accuracy_that_is_not_a_number_is_not_shown() -> None:
    columns = "level, horizon_band, segment, step, metric, value, baseline_value, series, cutoffs"
    source = source_with(
        f"create table forecast_accuracy as select * from (values "
        f"('total', '1-4', 'all', 'lightgbm', 'wmape', 'nan'::double, 0.5, 1, '2024-01-01')) as t({columns})"
    )
    assert page_forecast.accuracy(source) is None


def test_what_moves_most_is_said_in_words_that_add_up() -> None:
    source = source_with(
        "create table dim_product as select 'A' as sku_id, 'Tea <green>' as product_name;"
        "create table mart_sku_location_day as select 'A' as sku_id, 'S1' as location_id, "
        "  date '2024-03-05' - i::integer as date, 2.0::decimal(18, 3) as units_qty from range(40) as t (i);"
        "create table forecast_drivers as select date '2024-03-05' as as_of, 28 as days_covered, * from (values "
        "  ('A', 'S1', 'level', 60e0), ('A', 'S1', 'season', 12.4e0), ('A', 'S1', 'reconciliation', -2.4e0),"
        "  ('A', 'S1', 'events', 0.1e0), ('B', 'S1', 'level', 5e0)) as t (sku_id, location_id, driver, amount)"
    )
    first, second = page_forecast.movers(source)
    assert (first["product_name"], first["sold"], first["expected"]) == ("Tea <green>", 56.0, pytest.approx(70.1))
    words = catalogue("en")
    assert page_forecast.why_moved(first["amounts"], words) == (
        "Its level gives 60, the season adds 12, what the aggregates show takes 2."
    )
    assert (second["sku_id"], second["product_name"], second["sold"]) == ("B", None, 0)
    assert page_forecast.why_moved(second["amounts"], words) == "Its level gives 5."
    assert page_forecast.movers(source_with("select 1")) == []


EDITED = """
create or replace table ml.forecast_edits as
select date '2024-03-05' as as_of, *, date '2024-03-06' as covers_from, date '2024-03-10' as covers_to from (values
    ('department', 'D <1>', date '2024-03-06', date '2024-03-10', 1.25e0, null, 'Ann & Co', 'fair', date '2024-03-31',
     'applied', 100e0, 125e0),
    ('total', 'total', date '2024-03-01', date '2024-03-04', null, 500e0, 'Bo', 'sale', date '2024-03-04',
     'expired', null, null)
) as t (level, node, starts_on, ends_on, factor, quantity, owner, reason, expires_on, state, unedited_qty, edited_qty);
insert into ml.forecast_accuracy by name
select 'total' as level, '1-4' as horizon_band, 'edited' as segment, step, 'wmape' as metric, value, 7 as series
from (values ('reconciled', 0.2), ('planner_edit', 0.1)) as t (step, value)
"""


def test_the_page_lists_edits_with_owner_and_expiry_and_what_earlier_ones_were_worth(tmp_path: Path) -> None:
    edits = OutputTable("forecast_edits", "ml.forecast_edits", ("level", "node", "starts_on"), False, "Edits", "Edits.")
    text = page_of(publish_one(tmp_path, EDITED, outputs=(*OUTPUTS, edits))).text
    for words in ("Edits by planners", "D <1>", "times 1.25", "Ann & Co", "31 Mar 2024", "500 units", "expired"):
        assert words in text, words
    assert "weeks 1-4, scored 7 times: error 10% of demand with them, 20% without" in text


def test_the_replay_shows_every_rule_along_its_dial_and_the_compared_ones_with_their_claims(night_folder: Path) -> None:
    with duckdb.connect(str(night_folder / "marts.duckdb"), read_only=True) as con:
        found = page_replay.replay(page_data.source_of(con))
    assert found is not None
    assert len(found["curves"]) == 12
    assert [row["policy"] for row in found["compared"]] == ["proposed", "min/max <on> average sales", "normal"]
    assert [row["claim"] for row in found["compared"]] == [None, "proposed costs less", "proposed costs less"]
    assert {row["abc_class"] for row in found["by_class"]} == {"A"}
    assert found["tuning"][0]["tuned_target"] == 0.92


def test_many_groups_are_cut_and_the_rest_is_added_up() -> None:
    groups = [{"label": str(i), "lines": 1, "value": 100 - i, "is_rest": False} for i in range(30)]
    shown = page_orders._largest(groups)
    assert len(shown) == page_orders.GROUPS_SHOWN + 1
    assert (shown[-1]["label"], shown[-1]["others"]) == (None, 18)
    assert sum(row["value"] for row in shown) == sum(row["value"] for row in groups)


def test_top_lines_are_the_most_valuable_with_their_names(night_folder: Path) -> None:
    with duckdb.connect(str(night_folder / "marts.duckdb"), read_only=True) as con:
        found = page_orders.orders(page_data.source_of(con), top_lines=5)
        values = con.execute("select order_value from replenishment_orders where order_qty > 0 order by 1 desc limit 5")
        assert found is not None
        assert [line["order_value"] for line in found["top"]] == [row[0] for row in values.fetchall()]
    assert all(line["product_name"] and line["location_name"] and line["explanation"] for line in found["top"])
    assert set(SERIES) <= set(found["top"][0])


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (Debian: apt-get install chromium)")
def test_a_real_browser_draws_every_chart_without_complaint(page: Reader, night_folder: Path, tmp_path: Path) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={tmp_path}"]
    done = subprocess.run(
        [str(CHROMIUM), *options, "--virtual-time-budget=5000", "--dump-dom", (night_folder / "index.html").as_uri()],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    console = [line for line in done.stderr.splitlines() if ":CONSOLE:" in line]
    assert console == []
    assert done.stdout.count('class="marks"') == len(page.charts)
