"""What changed since the night before: tonight's order lines beside those of the night that `latest` points at.

Belongs here: SQL over the two nights' Parquet files. What is shown of it stands in the template.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb

from orchestration.publishing.page_data import Row
from orchestration.publishing.runs import MANIFEST
from orchestration.publishing.tables import parquet_source

ORDERS = "replenishment_orders.parquet"
CHANGES = """
with before as (select * from {before} where order_qty > 0),
after as (select * from {after} where order_qty > 0)
select
    (select coalesce(sum(order_value), 0) from before) as value_before,
    coalesce(sum(a.order_value), 0) as value_after,
    count(*) filter (b.sku_id is null) as new,
    count(*) filter (a.sku_id is null) as gone,
    count(*) filter (a.order_qty <> b.order_qty) as altered
from after as a
full join before as b
    on a.sku_id = b.sku_id and a.location_id = b.location_id
    and coalesce(a.supplier_id, a.from_location_id) = coalesce(b.supplier_id, b.from_location_id)
"""


def changes(folder: Path, latest: Path, as_of: date) -> Row | None:
    """Order lines of `folder` beside those of `latest`; None where there is no earlier business day to compare with."""
    try:
        day = date.fromisoformat(json.loads((latest / MANIFEST).read_text(encoding="utf-8"))["as_of"])
    except (OSError, ValueError, KeyError):
        return None
    if day >= as_of or not (latest / ORDERS).exists() or not (folder / ORDERS).exists():
        return None
    with duckdb.connect() as con:
        query = CHANGES.format(before=parquet_source(latest / ORDERS), after=parquet_source(folder / ORDERS))
        result = con.execute(query)
        names = [column[0] for column in result.description]
        row = result.fetchone()
    return {"day": day, **dict(zip(names, row or (), strict=True))}
