"""Results as rows and as words."""

from __future__ import annotations

import json
from dataclasses import replace

from data_quality.report import COLUMNS, is_refused, refusal, rows, warnings
from data_quality.results import CheckResult

PASSED = CheckResult(
    gate="marts",
    table_name="marts.fct_sales",
    check_name="key_is_unique",
    description="One row a source, transaction_id, line_number.",
    severity="error",
    passed=True,
    failed_rows=0,
    checked_rows=1_470_000,
    sample="[]",
    advice="correct it at the source",
    docs_link="marts/marts.fct_sales.html",
)
KEYS = [{"transaction_id": f"T{n}", "line_number": n, "promotion_id": None} for n in range(1, 6)]
FAILED = replace(PASSED, passed=False, failed_rows=1234, sample=json.dumps(KEYS))
WARNED = replace(FAILED, check_name="signs_agree", severity="warn")


def test_a_refusal_names_check_table_rows_and_what_to_do() -> None:
    message = refusal([PASSED, FAILED, WARNED])
    assert message.splitlines() == [
        "gate marts: 1 of 3 checks refuse the night; what was published before stays",
        "marts.fct_sales key_is_unique — One row a source, transaction_id, line_number — 1,234 found, such as "
        "transaction_id T1, line_number 1, promotion_id (none); transaction_id T2, line_number 2, promotion_id (none); "
        "transaction_id T3, line_number 3, promotion_id (none) — correct it at the source (marts/marts.fct_sales.html)",
    ]


def test_only_failed_errors_refuse() -> None:
    assert is_refused([PASSED, FAILED])
    assert not is_refused([PASSED, WARNED])
    assert refusal([PASSED, WARNED]) == ""
    assert len(warnings([PASSED, FAILED, WARNED])) == 1
    assert warnings([WARNED])[0].startswith("marts.fct_sales signs_agree — ")


def test_a_check_that_could_not_run_says_so() -> None:
    sample = json.dumps([{"error": "Catalog Error: no such table"}])
    message = refusal([replace(FAILED, failed_rows=None, checked_rows=None, sample=sample)])
    assert "could not run: Catalog Error: no such table" in message


def test_an_empty_table_is_worded() -> None:
    assert "the table has 0 rows" in refusal([replace(FAILED, failed_rows=None, checked_rows=0, sample="[]")])


def test_rows_are_sorted_and_complete() -> None:
    made = rows([WARNED, PASSED])
    assert [row["check_name"] for row in made] == ["key_is_unique", "signs_agree"]
    assert all(list(row) == list(COLUMNS) for row in made)
    assert set(COLUMNS) == set(CheckResult.__dataclass_fields__)
