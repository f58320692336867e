"""index.html, the page of the night, and the reports beside it: files that ask nobody for anything.

Belongs here: gathering what the page shows and handing it to the template, formats of numbers and dates. All words
stand in templates/, all SQL in page_data and in a module for each part of the page, all drawing in charts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from markupsafe import Markup

from orchestration.publishing import (
    charts,
    page_changes,
    page_data,
    page_files,
    page_forecast,
    page_kpis,
    page_lists,
    page_orders,
    page_prices,
    page_range,
    page_replay,
    page_reports,
)
from orchestration.publishing.marts_file import FILE_NAME
from orchestration.publishing.night import Night, WrittenTable
from orchestration.publishing.settings import PublishingSettings
from orchestration.publishing.words import languages, sentence, words

PAGE = "index.html"
FIRST_LINES = 3  # orders on the first screen
NOTHING = "\u2013"  # an en dash where there is no value
_TEMPLATES = Path(__file__).parent / "templates"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def write_page(
    folder: Path,
    night: Night,
    written: Sequence[WrittenTable],
    settings: PublishingSettings,
    *,
    threads: int,
    latest: Path | None = None,
) -> None:
    """Write `folder`/index.html and index.<language>.html from the marts.duckdb that stands in the same folder.

    And so weekly, monthly and tuning.html where there is something to report.

    index.html is in the language of the settings; each language has a page of its own, and they lead to one another.
    latest: the night published before, for what changed.
    """
    with duckdb.connect(str(folder / FILE_NAME), read_only=True, config={"threads": threads}) as con:
        source = page_data.source_of(con)
        files = page_files.write_side_files(folder, source, settings.page_products, settings.buyers)
        shown = _shown(source, night, settings)
        kpis = page_kpis.kpis(source)
        made = {name: report(source) for name, report in page_reports.REPORTS.items()}
    reports = {name: rows for name, rows in made.items() if rows is not None}
    shown["reports"] = list(reports)
    shown["changes"] = page_changes.changes(folder, latest, night.as_of) if latest else None
    for language in languages():
        pages = {"index": _render(language, shown, kpis, files, folder, night, written, settings)}
        pages |= {name: _render_report(language, name, rows, list(reports), night) for name, rows in reports.items()}
        for name, html in pages.items():
            (folder / page_of(language, name)).write_text(html, encoding="utf-8")
            if language == settings.locale:
                (folder / f"{name}.html").write_text(html, encoding="utf-8")


def page_of(language: str, name: str = "index") -> str:
    """Return the file name of a page in a language."""
    return f"{name}.{language}.html"


def _render_report(language: str, name: str, shown: page_data.Row, reports: Sequence[str], night: Night) -> str:
    """One of the pages beside index.html (page_reports.REPORTS) in one language, as HTML."""
    return (
        _environment(language, words(language))
        .get_template(f"{name}.html.j2")
        .render(
            report=name,
            reports=reports,
            shown=shown,
            night=night,
            language=language,
            others=_others(language),
            page_of=page_of,
        )
    )


def _others(language: str) -> dict[str, str]:
    """The other languages by their names."""
    return {other: words(other)["language"] for other in languages() if other != language}


def _render(
    language: str,
    shown: dict[str, Any],
    kpis: Sequence[page_data.Row],
    files: dict[str, Any],
    folder: Path,
    night: Night,
    written: Sequence[WrittenTable],
    settings: PublishingSettings,
) -> str:
    """The page in one language, as HTML."""
    known = words(language)
    if shown["orders"]:
        shown = shown | {"orders": shown["orders"] | {"groups": _named_groups(shown["orders"], known)}}
    drawn = _charts(shown, night, known)
    if kpis:
        drawn["kpis"] = charts.kpi_trends(kpis, {name: known[f"kpi.{name}"] for name in page_kpis.SHOWN})
    return (
        _environment(language, known)
        .get_template("page.html.j2")
        .render(
            **(shown | {"charts": drawn}),
            language=language,
            others=_others(language),
            page_of=page_of,
            side_files=files,
            has_kpis=bool(kpis),
            product_spec=charts.product_spec(
                {n: known[f"product.{n}"] for n in ("sold", "expected", "stock", "units")}
            ),
            night=night,
            outputs=written,
            files={output.table.name: output for output in written},
            simulated={part: page_data.simulated_behind(part, night) for part in page_data.FEEDS_BEHIND},
            simulated_output=lambda name: _simulated_output(name, night),
            has_data_docs=night.data_docs is not None,
            marts_size=(folder / FILE_NAME).stat().st_size,
            scripts=_vega_scripts() if drawn or files["products"] else "",
            first_lines=FIRST_LINES,
            list_outputs={part.name: part.needs for part in page_files.LISTS},
        )
    )


def _shown(source: page_data.Source, night: Night, settings: PublishingSettings) -> dict[str, Any]:
    """Everything that the template shows of the night's data; a part that is absent is None."""
    feeds = page_data.feeds(night.inputs)
    orders = page_orders.orders(source, settings.top_lines)
    sales = page_forecast.sales_and_forecast(source, settings.history_weeks)
    accuracy = page_forecast.accuracy(source)
    replay = page_replay.replay(source)
    return {
        "absent": page_data.absent_by_reason(night),
        "feeds": feeds,
        "all_feeds": page_data.all_feeds(feeds),
        "checks": page_data.checks(source),
        "orders": orders,
        "lists": page_lists.stock_lists(source),
        "price_lists": page_lists.shown(page_prices.LISTS, source),
        "range_lists": page_lists.shown(page_range.LISTS, source),
        "replay": replay,
        "sales": sales,
        "movers": page_forecast.movers(source),
        "edits": page_forecast.edits(source),
        "accuracy": accuracy,
    }


def _charts(shown: dict[str, Any], night: Night, known: Mapping[str, str]) -> dict[str, charts.Spec]:
    """The charts in one language, by the place where they stand."""
    specs: dict[str, charts.Spec] = {}
    sales, accuracy, orders, replay = (shown[name] for name in ("sales", "accuracy", "orders", "replay"))
    if sales:
        specs["sales"] = charts.sales_and_forecast(sales["weeks"], known)
    if accuracy:
        # the finest level, at which stock is decided, and the coarsest, which people know
        for level in dict.fromkeys((accuracy["levels"][0], accuracy["levels"][-1])):
            specs[f"accuracy-{accuracy['levels'].index(level)}"] = charts.accuracy_by_horizon(
                accuracy["errors"], level, accuracy["step"], known
            )
    if orders and orders["groups"]:
        specs["orders"] = charts.order_value(orders["groups"], night.currency, known)
    if replay:
        specs["replay"] = charts.stock_at_service(replay["curves"], known)
    return specs


def _named_groups(orders: page_data.Row, known: Mapping[str, str]) -> list[page_data.Row]:
    """The groups of the orders with labels: those without a name, and the rest of them together, in words."""
    nameless = known[f"group.no {orders['dimension']}"] if orders["groups"] else ""
    return [
        {
            **group,
            "label": known["chart.others"].format(n=group["others"])
            if group["is_rest"]
            else group["label"] or nameless,
        }
        for group in orders["groups"]
    ]


def _simulated_output(name: str, night: Night) -> list[str]:
    """Return the simulated feeds that a published table rests on."""
    parts = (
        {part.name: "lists" for part in page_lists.LISTS}
        | {part.name: "prices" for part in page_prices.LISTS}
        | {part.name: "range" for part in page_range.LISTS}
        | dict.fromkeys(("mart_policy_replay", "mart_service_tuning"), "orders")
    )
    first = {"forecast": "forecast", "replenishment": "orders"}.get(name.split("_", maxsplit=1)[0])
    part = parts.get(name, first)
    return page_data.simulated_behind(part, night) if part else []


def _environment(language: str, known: Mapping[str, str]) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (_number, _signed, _quantity, _cell, _percent, _day, _long_day, _size, _json, _label)
    environment.filters.update({function.__name__.lstrip("_"): function for function in filters})
    if language == "zh":
        environment.filters |= {"day": _day_zh, "long_day": _long_day_zh}
    environment.globals |= {
        "t": known.__getitem__,
        "texts": known,
        "one_day": timedelta(days=1),
        "counted": lambda noun, n: known[f"n.{noun}.one" if n == 1 else f"n.{noun}"].format(n=_number(n)),
        "shown_values": lambda row: {k: in_sentence(v, environment.filters["day"]) for k, v in row.items()},
        "level_name": lambda level: known.get(f"level.{level}", _label(level)),
        "step_name": lambda step: charts.step_name(step, "", known),
        "named": lambda column, value: known.get(f"value.{column}.{value}", value),
        "why": lambda name, facts: sentence(known, name, facts, _fact),
        "why_moved": lambda amounts: page_forecast.why_moved(amounts, known),
    }
    environment.globals["include_file"] = lambda name: Markup((_TEMPLATES / name).read_text(encoding="utf-8"))
    return environment


@cache
def _vega_scripts() -> Markup:
    """Vega, Vega-Lite and vega-embed as one script (0.9 MB), from the package, so the page asks no outside host."""
    import vl_convert

    # inside <script> only its own end tag has a meaning; there is none today
    return Markup(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script"))


def _json(value: object) -> Markup:
    """JSON that may stand inside <script>: no '<' of a product's name can end it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)


def in_sentence(value: object, day: Callable[[date], str]) -> str:
    """A value as a sentence shows it: words as they are, days as `day` writes them, numbers whole."""
    if isinstance(value, date):
        return day(value)
    return _number(value) if value is None or isinstance(value, int | float | Decimal) else str(value)


def _fact(value: object) -> str:
    """A value of a line as its sentence shows it: words as they are."""
    return value if isinstance(value, str) else _cell(value)


def _number(value: float | Decimal | None, digits: int = 0) -> str:
    return NOTHING if value is None else f"{value:,.{digits}f}"


def _signed(value: float | Decimal | None) -> str:
    """A change, with its sign; a minus as wide as the plus."""
    return NOTHING if value is None else f"{'+' if value >= 0 else chr(0x2212)}{abs(value):,.0f}"


def _quantity(value: float | Decimal | None) -> str:
    """Whole quantities without decimals."""
    return NOTHING if value is None else f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"


def _cell(value: object) -> str:
    """A value of any kind as a table shows it."""
    if isinstance(value, date):
        return _day(value)
    return _quantity(value) if isinstance(value, int | float | Decimal) else str(value or NOTHING)


def _percent(value: float | None, digits: int = 0) -> str:
    return NOTHING if value is None else f"{value:.{digits}%}"


def _day(value: date | None) -> str:
    """31 Dec 2017. Not strftime: its month names depend on the machine's locale."""
    return NOTHING if value is None else f"{value.day} {_MONTHS[value.month - 1][:3]} {value.year}"


def _long_day(value: date) -> str:
    return f"{_DAYS[value.weekday()]}, {value.day} {_MONTHS[value.month - 1]} {value.year}"


def _day_zh(value: date | None) -> str:
    return NOTHING if value is None else f"{value.year}年{value.month}月{value.day}日"


def _long_day_zh(value: date) -> str:
    return f"{_day_zh(value)} 星期{'一二三四五六日'[value.weekday()]}"


def _label(name: str) -> str:
    """A column's or table's name as words."""
    return name.replace("_", " ")


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.0f} kB"
