"""Whose a line is: the buyer that the settings name, else the source that delivers.

Belongs here: labels of lines and the file names that follow from them. What a workbook looks like stands in workbook.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

NOBODY = "others"


def owners(shares: Mapping[str, Sequence[str]]) -> dict[str | None, str]:
    """Return supplier, category or department -> buyer; what two shares name is the first one's."""
    owner: dict[str | None, str] = {}
    for buyer, named in shares.items():
        for each in named:
            owner.setdefault(each, buyer)
    return owner


def labels(lines: pa.Table, products: pa.Table | None, shares: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the buyer of each line: the first whose share names its supplier, category or department; else NOBODY.

    lines: sku_id, supplier_id (if suppliers deliver), from_location_id. products: sku_id, category, department.
    Without shares the label is the source: the supplier, else the place that delivers.
    """
    names = set(lines.column_names)
    suppliers = lines["supplier_id"].to_pylist() if "supplier_id" in names else [None] * lines.num_rows
    places = lines["from_location_id"].to_pylist() if "from_location_id" in names else [None] * lines.num_rows
    if not shares:
        return [supplier or place or NOBODY for supplier, place in zip(suppliers, places, strict=True)]
    owner = owners(shares)
    of_product = {}
    for row in products.to_pylist() if products is not None else []:
        of_product[row["sku_id"]] = owner.get(row["category"]) or owner.get(row["department"])
    skus = lines["sku_id"].to_pylist()
    return [owner.get(supplier) or of_product.get(sku) or NOBODY for supplier, sku in zip(suppliers, skus, strict=True)]


def file_names(table: str, named: Sequence[str]) -> list[str]:
    """Return a file name a label, distinct and harmless on any file system: `replenishment_orders S0539.xlsx`."""
    files: list[str] = []
    for label in named:
        plain = re.sub(r"[^\w.-]+", "_", label).strip("._")[:60] or "unnamed"
        name, number = f"{table} {plain}.xlsx", 2
        while name.casefold() in {file.casefold() for file in files}:
            name, number = f"{table} {plain} ({number}).xlsx", number + 1
        files.append(name)
    return files
