"""What Dagster's UI shows of a table beside its rows: the columns with what they mean, and small pictures.

Belongs here: metadata made of tables. What is in the tables does not. A picture is a PNG of some ten kilobytes inside
the event, so that it is there offline and years later.
"""

from __future__ import annotations

import base64
from typing import Any

import dagster as dg
import duckdb
import polars as pl

from orchestration.publishing.columns import meaning
from orchestration.warehouse import table_exists

_WIDTH, _HEIGHT = 320, 160
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"  # a name: nothing is fetched
_BANDS = ["1-4", "5-13", "14-26"]


def of_table(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, dg.MetadataValue]:
    """Return row count and columns (type, meaning) of `schema.table`; none where it is not there."""
    if not table_exists(con, table):
        return {"dagster/row_count": dg.MetadataValue.int(0)}
    row = con.execute(f"select count(*) from {table}").fetchone()
    described = con.execute(f"describe {table}").fetchall()
    columns = [dg.TableColumn(name, kind, description=meaning(name)) for name, kind, *_ in described]
    return {
        "dagster/row_count": dg.MetadataValue.int(row[0] if row else 0),
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns=columns)),
    }


def accuracy_by_horizon(accuracy: pl.DataFrame) -> dg.MetadataValue:
    """1 - WMAPE of what is published, by level and weeks ahead, beside seasonal naive; of ml.forecast_accuracy."""
    is_shown = (pl.col("metric") == "wmape") & (pl.col("segment") == "all") & (pl.col("step") == "reconciled")
    shown = accuracy.filter(is_shown)
    published = shown.select("level", "horizon_band", accuracy=1 - pl.col("value"), method=pl.lit("published"))
    naive = shown.select("level", "horizon_band", accuracy=1 - pl.col("baseline_value"), method=pl.lit("naive"))
    encoding = {
        "x": {"field": "horizon_band", "title": "weeks ahead", "sort": _BANDS},
        "y": {"field": "accuracy", "type": "quantitative", "title": "1 - WMAPE"},
        "color": {"field": "level"},
        "strokeDash": {"field": "method"},
    }
    return _picture(pl.concat([published, naive]), {"type": "line", "point": True}, encoding)


def calibration(accuracy: pl.DataFrame) -> dg.MetadataValue:
    """Share of periods that stayed at or below each measured quantile, beside the share that should have."""
    is_shown = pl.col("metric").str.contains(r"^coverage_p\d\d$") & (pl.col("segment") == "all")
    shown = accuracy.filter(is_shown & (pl.col("step") == "reconciled"))
    wanted = pl.col("metric").str.slice(-2).cast(pl.Float64) / 100
    points = shown.select("level", "horizon_band", reached="value", wanted=wanted)
    encoding = {
        "x": {"field": "wanted", "type": "quantitative", "title": "quantile", "scale": {"domain": [0, 1]}},
        "y": {"field": "reached", "type": "quantitative", "title": "share below", "scale": {"domain": [0, 1]}},
        "color": {"field": "horizon_band", "title": "weeks ahead", "sort": _BANDS},
        "shape": {"field": "level"},
    }
    return _picture(points, {"type": "point", "filled": True}, encoding)


def order_value(values: pl.DataFrame) -> dg.MetadataValue:
    """Value of the orders by department and class; values: department, abc_class, order_value."""
    encoding = {
        "x": {"field": "order_value", "type": "quantitative", "title": "value of tonight's orders"},
        "y": {"field": "department", "title": None},
        "color": {"field": "abc_class", "title": "class"},
    }
    return _picture(values, {"type": "bar"}, encoding)


def _picture(rows: pl.DataFrame, mark: dict[str, Any], encoding: dict[str, Any]) -> dg.MetadataValue:
    """A chart of rows as Markdown that holds a PNG; says so where there is nothing to draw."""
    if rows.is_empty():
        return dg.MetadataValue.md("nothing to draw")
    # 50 MB of it: the graph loads without
    import vl_convert

    for part in encoding.values():
        part.setdefault("type", "nominal")
    size = {"width": _WIDTH, "height": _HEIGHT}
    spec = {"$schema": _SCHEMA, "data": {"values": rows.to_dicts()}, "mark": mark, "encoding": encoding, **size}
    png = vl_convert.vegalite_to_png(spec, scale=1)
    return dg.MetadataValue.md(f"![](data:image/png;base64,{base64.b64encode(png).decode()})")
