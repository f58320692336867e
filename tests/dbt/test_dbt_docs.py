"""dbt's own pages as one file that asks nobody for anything."""

from __future__ import annotations

import re
from shutil import copyfile

import pytest
from conftest import VARIABLES, Built
from feeds_warehouse import run_dbt

from orchestration.dbt_docs import ARGUMENTS, POLICY, sealed
from orchestration.errors import ShelfcastError


def test_the_page_holds_everything_and_may_load_nothing(house: Built, tmp_path):
    # a copy: other tests of this session hold the warehouse open
    warehouse = tmp_path / house.warehouse.name
    copyfile(house.warehouse, warehouse)
    done = run_dbt(warehouse, tmp_path, *ARGUMENTS, variables=VARIABLES)
    assert done.returncode == 0, done.stdout + done.stderr
    page = sealed((tmp_path / "static_index.html").read_text(encoding="utf-8"))
    assert page.index(POLICY) < page.index("<script"), "the rule stands before the first script"
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=.?https?://", page) == []
    for part in ("model.shelfcast.mart_customer_value", "exposure.shelfcast.order_lists", '"type":"DECIMAL(18,2)"'):
        assert part in page or part.replace('":"', '": "') in page, part
    assert '"send_anonymous_usage_stats": false' in page or '"send_anonymous_usage_stats":false' in page


def test_a_page_of_another_shape_is_refused():
    with pytest.raises(ShelfcastError, match="no <head>"):
        sealed("<html></html>")
