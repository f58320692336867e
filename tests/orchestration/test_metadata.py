"""What the UI shows of a table: its columns with their meaning, and pictures that are pictures."""

from __future__ import annotations

import base64

import duckdb
import polars as pl

from orchestration.defs import metadata


def picture(value) -> bytes:
    start = "![](data:image/png;base64,"
    assert value.md_str.startswith(start)
    return base64.b64decode(value.md_str.removeprefix(start).removesuffix(")"))


def test_a_table_shows_rows_and_columns_with_what_they_mean():
    with duckdb.connect() as con:
        con.execute("create schema ml; create table ml.t as select 'A' as sku_id, 2.5::decimal(18,3) as order_qty")
        shown = metadata.of_table(con, "ml.t")
        assert metadata.of_table(con, "ml.absent")["dagster/row_count"].value == 0
    assert shown["dagster/row_count"].value == 1
    columns = shown["dagster/column_schema"].schema.columns
    assert [(c.name, c.type) for c in columns] == [("sku_id", "VARCHAR"), ("order_qty", "DECIMAL(18,3)")]
    assert all(c.description for c in columns)


def test_pictures_are_small_pngs_and_draw_nothing_of_nothing():
    rows = [("total", band, "all", "reconciled", metric, 0.2, 0.3) for band in ("1-4", "5-13") for metric in
            ("wmape", "coverage_p50", "coverage_p90")]  # fmt: skip
    columns = ["level", "horizon_band", "segment", "step", "metric", "value", "baseline_value"]
    accuracy = pl.DataFrame(rows, schema=columns, orient="row")
    values = pl.DataFrame({"department": ["food", "<b>"], "abc_class": ["A", "B"], "order_value": [10.0, 5.0]})
    drawn = [metadata.accuracy_by_horizon(accuracy), metadata.calibration(accuracy), metadata.order_value(values)]
    for value in drawn:
        png = picture(value)
        assert png.startswith(b"\x89PNG")
        assert 1_000 < len(png) < 60_000
    assert metadata.accuracy_by_horizon(accuracy.clear()).md_str == "nothing to draw"
