"""Charts of the page as Vega-Lite specifications, made with altair. Data in, plain dict out.

Belongs here: what is drawn on which axis. Which numbers is decided in page_orders and page_forecast; fonts and colours
are the page's CSS variables (`var(--accent)`), so a chart follows light, dark and print without being drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.publishing.page_data import Row
from orchestration.publishing.page_forecast import bands_of, in_order

Spec = dict[str, Any]
_BAR_HEIGHT = 26


def sales_and_forecast(weeks: Sequence[Row], words: Mapping[str, str]) -> Spec:
    """Units by week: what was sold as a line, what is expected as a dashed one. weeks: week_start, kind, units.

    words, here and below: the catalogue of the page's language.
    """
    import altair as alt  # 0.7 s: only a night that publishes pays for it

    # noon, without a zone: a date alone is read as midnight in London, which is the day before in New York
    values = [
        {
            "week": f"{row['week_start']}T12:00:00",
            "kind": words[f"kind.{row['kind']}"],
            "units": round(row["units"], 1),
        }
        for row in weeks
    ]
    kinds = [words["kind.sold"], words["kind.forecast"]]
    legend = alt.Legend(title=None, orient="top", symbolType="stroke")  # one for both channels, or Vega-Lite warns
    colour = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=["var(--sold)", "var(--accent)"]), legend=legend)
    dash = alt.StrokeDash("kind:N", scale=alt.Scale(domain=kinds, range=[[1, 0], [6, 3]]), legend=legend)
    week = alt.X("week:T", title=None, axis=alt.Axis(format=words["chart.month"], labelOverlap=True, tickCount=8))
    units = alt.Y("units:Q", title=words["chart.units"], axis=alt.Axis(format="~s", tickCount=5))
    tooltip = [
        alt.Tooltip("week:T", title=words["chart.week"], format="%Y-%m-%d"),
        alt.Tooltip("kind:N", title=words["chart.what"]),
        alt.Tooltip("units:Q", title=words["chart.count"], format=",.0f"),
    ]
    base = alt.Chart(alt.Data(values=values)).encode(x=week, y=units)
    line = base.mark_line(strokeWidth=2).encode(color=colour, strokeDash=dash)
    # unseen, wide points: the tooltip is found without aiming at a line two pixels thick
    points = base.mark_point(size=160, opacity=0, filled=True).encode(tooltip=tooltip)
    return _spec((line + points).properties(width="container", height=280))


def accuracy_by_horizon(errors: Sequence[Row], level: str, published_step: str, words: Mapping[str, str]) -> Spec:
    """WMAPE by weeks ahead, one bar a step in the order of the work; the published one stands out. Lower is better."""
    import altair as alt

    rows = [row for row in errors if row["level"] == level]
    steps = in_order(row["step"] for row in rows)
    names = {step: step_name(step, published_step, words) for step in steps}
    values = [
        {
            "band": words["chart.weeks"].format(band=row["horizon_band"]),
            "step": names[row["step"]],
            "wmape": round(row["value"], 4),
        }
        for row in rows
    ]
    others = (f"var(--other-{1 + n % 4})" for n in range(len(steps)))
    colours = ["var(--accent)" if step == published_step else next(others) for step in steps]
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=alt.X(
                "band:N",
                sort=[words["chart.weeks"].format(band=band) for band in bands_of(rows)],
                title=None,
                axis=alt.Axis(labelAngle=0),
                scale=alt.Scale(paddingInner=0.25),
            ),
            xOffset=alt.XOffset("step:N", sort=list(names.values())),
            y=alt.Y("wmape:Q", title="WMAPE", axis=alt.Axis(format=".0%", tickCount=5)),
            color=alt.Color(
                "step:N",
                scale=alt.Scale(domain=list(names.values()), range=colours),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("step:N", title=words["chart.method"]),
                alt.Tooltip("band:N", title=words["chart.ahead"]),
                alt.Tooltip("wmape:Q", title="WMAPE", format=".1%"),
            ],
        )
        .properties(width="container", height=220)
    )
    return _spec(chart)


def order_value(groups: Sequence[Row], currency: str, words: Mapping[str, str]) -> Spec:
    """Value of the orders, one bar a group, in the order given. groups: label, lines, value, is_rest."""
    import altair as alt

    values = [{**row, "value": round(float(row["value"]), 2)} for row in groups]
    base = alt.Chart(alt.Data(values=values)).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=160, ticks=False, domain=False)),
        x=alt.X("value:Q", title=None, axis=alt.Axis(format="~s", tickCount=4)),
        tooltip=[
            alt.Tooltip("label:N", title=" "),
            alt.Tooltip("value:Q", title=currency, format=",.0f"),
            alt.Tooltip("lines:Q", title=words["chart.lines"], format=","),
        ],
    )
    # the others together are no group of their own: a quieter bar
    colour = alt.condition("datum.is_rest", alt.value("var(--other-2)"), alt.value("var(--accent)"))
    chart = base.mark_bar(cornerRadiusEnd=2, height={"band": 0.7}).encode(color=colour)
    return _spec(chart.properties(width="container", height=_BAR_HEIGHT * len(values)))


def stock_at_service(curves: Sequence[Row], words: Mapping[str, str]) -> Spec:
    """Days of stock over the share served, one line a rule along its dial; the compared points stand out.

    curves: policy, dial, is_compared, fill_rate_pct, turnover_days. To the right and down is better.
    """
    import altair as alt

    policies = list(dict.fromkeys(row["policy"] for row in curves))
    others = (f"var(--other-{1 + n % 4})" for n in range(len(policies)))
    colours = ["var(--accent)" if policy == "proposed" else next(others) for policy in policies]
    names = ("policy", "dial", "is_compared", "fill_rate_pct", "turnover_days")
    base = alt.Chart(alt.Data(values=[{name: row[name] for name in names} for row in curves])).encode(
        x=alt.X(
            "fill_rate_pct:Q", title=words["chart.served"], scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6)
        ),
        y=alt.Y("turnover_days:Q", title=words["chart.days"], axis=alt.Axis(tickCount=5)),
        color=alt.Color(
            "policy:N",
            scale=alt.Scale(domain=policies, range=colours),
            legend=alt.Legend(title=None, orient="top", columns=2, labelLimit=320),
        ),
        tooltip=[
            alt.Tooltip("policy:N", title=words["chart.rule"]),
            alt.Tooltip("dial:N", title=words["chart.dial"]),
            alt.Tooltip("fill_rate_pct:Q", title=words["head.served"], format=".1f"),
            alt.Tooltip("turnover_days:Q", title=words["chart.days"], format=".1f"),
        ],
    )
    line = base.mark_line(strokeWidth=2).encode(order=alt.Order("fill_rate_pct:Q"))
    points = base.mark_point(filled=True, opacity=1).encode(
        size=alt.condition("datum.is_compared", alt.value(120), alt.value(30))
    )
    return _spec((line + points).properties(width="container", height=280))


def kpi_trends(rows: Sequence[Row], names: Mapping[str, str]) -> Spec:
    """Small lines, one a KPI, each on its own scale. rows: kpi, week_start, value; names: kpi -> what it is called."""
    import altair as alt

    values = [
        {"kpi": names[row["kpi"]], "week": f"{row['week_start']}T12:00:00", "value": round(row["value"], 2)}
        for row in rows
    ]
    line = (
        alt.Chart()
        .mark_line(strokeWidth=2, color="var(--accent)")
        .encode(
            x=alt.X("week:T", title=None, axis=alt.Axis(format="%Y-%m", tickCount=3, labelOverlap=True)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(format="~s", tickCount=3)),
            tooltip=[
                alt.Tooltip("week:T", title=" ", format="%Y-%m-%d"),
                alt.Tooltip("value:Q", title=" ", format=",.1f"),
            ],
        )
        .properties(width=230, height=110)
    )
    shown = [name for name in names.values() if any(value["kpi"] == name for value in values)]
    facet = alt.Facet("kpi:N", title=None, sort=shown, header=alt.Header(labelFontSize=13, labelColor="var(--ink)"))
    chart = line.facet(facet, columns=4, data=alt.Data(values=values))
    return _spec(chart.resolve_scale(y="independent"))


def product_spec(names: Mapping[str, str]) -> Spec:
    """One product's year: sold, expected with its range, promotions; below, its stock. The page fills in `series`.

    names: sold, expected, stock, units -> words. A row has kind (sold, stock, forecast, promotion), week and units; a
    forecast low, q25, q75, high too; a promotion from, to, name.
    """
    import altair as alt

    data = alt.NamedData(name="series")

    def of(kind: str) -> Any:
        return alt.Chart(data).transform_filter(f"datum.kind === '{kind}'")

    week = alt.X("week:T", title=None, axis=alt.Axis(format="%Y-%m", labelOverlap=True, tickCount=6))
    units = alt.Y("units:Q", title=names["units"], axis=alt.Axis(format="~s", tickCount=4))
    tip = [alt.Tooltip("week:T", title=" ", format="%Y-%m-%d")]
    promotion = (
        of("promotion")
        .mark_rect(color="var(--mark-soft)", opacity=1)
        .encode(x=alt.X("from:T", title=None), x2="to:T", tooltip=[alt.Tooltip("name:N", title=" ")])
    )
    wide = (
        of("forecast")
        .mark_area(color="var(--accent)", opacity=0.15)
        .encode(x=week, y=alt.Y("low:Q", title=names["units"]), y2="high:Q")
    )
    narrow = of("forecast").mark_area(color="var(--accent)", opacity=0.2).encode(x=week, y="q25:Q", y2="q75:Q")
    expected = (
        of("forecast")
        .mark_line(color="var(--accent)", strokeWidth=2)
        .encode(
            x=week,
            y=units,
            tooltip=[
                *tip,
                alt.Tooltip("units:Q", title=names["expected"], format=",.1f"),
                alt.Tooltip("low:Q", title="p10", format=",.1f"),
                alt.Tooltip("high:Q", title="p90", format=",.1f"),
            ],
        )
    )
    sold = (
        of("sold")
        .mark_line(color="var(--sold)", strokeWidth=2)
        .encode(x=week, y=units, tooltip=[*tip, alt.Tooltip("units:Q", title=names["sold"], format=",.1f")])
    )
    stock = (
        of("stock")
        .mark_area(color="var(--other-2)", opacity=0.6, interpolate="step")
        .encode(
            x=week,
            y=alt.Y("units:Q", title=names["stock"], axis=alt.Axis(format="~s", tickCount=3, titleLimit=90)),
            tooltip=[*tip, alt.Tooltip("units:Q", title=names["stock"], format=",.1f")],
        )
        .properties(width="container", height=70)
    )
    flow = (promotion + wide + narrow + expected + sold).properties(width="container", height=220)
    return {"flow": _spec(flow), "stock": _spec(stock)}


def step_name(step: str, published_step: str, words: Mapping[str, str]) -> str:
    """A step of the forecast as a reader calls it."""
    return words.get("step.published" if step == published_step else f"step.{step}", step.replace("_", " "))


def _spec(chart: Any) -> Spec:
    """A chart as a dict, without altair's own look and without the address of the schema: the page names no host."""
    spec: Spec = chart.to_dict()
    spec.pop("$schema", None)
    spec.pop("config", None)
    return spec
