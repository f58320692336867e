"""Great Expectations on DuckDB: the datasource, the repair that it needs, and checks turned into expectations.

Belongs here: everything that calls GX to validate. Does not: pages (docs), which checks there are (suites/). GX takes
9 s to import, so it is imported inside functions only.

The repair. GX runs a query inside `with engine.connect()` and reads its rows after that block has given the connection
back to the pool. Other drivers keep the rows in the cursor; duckdb-engine's cursor is the connection itself, and giving
it back rolls back and drops the result: every expectation then fails with "list index out of range". SQLAlchemy's
`after_cursor_execute` event comes before that, so rows are fetched there and handed over in a buffer.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from data_quality.checks import NO_ROWS, ROW_COUNT, Check

# GX reads no more than 200 rows of anything. The limit keeps a query that finds millions, and GX's look at the columns
# of a table (it selects everything and reads nothing), from filling memory with all rows of it.
BUFFERED_ROWS = 1_000

# counts only: GX would select failing values too, once more over the whole table; samples come from our own queries
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class Verdict:
    """What GX found for one check. failed_rows: None where it counts none. error: why it could not run, one line."""

    check: Check
    passed: bool
    failed_rows: int | None
    error: str | None
    validation: Any  # GX's own result, for the pages


class GxWarehouse:
    """A DuckDB file as GX sees it; get one from `open_warehouse`."""

    def __init__(self, datasource: Any) -> None:
        self._datasource = datasource
        self._engine = datasource.get_execution_engine().engine

    def validate(self, table: str, checks: Sequence[Check]) -> list[Verdict]:
        """Run all checks of one table; column checks share one scan. Returns verdicts in the order of the checks."""
        import great_expectations as gx

        suite = gx.ExpectationSuite(name=table, expectations=[_expectation(check) for check in checks])
        # a query asset: GX 1.24 deprecates the schema of a table asset, and DuckDB sees through the subquery
        asset = self._datasource.add_query_asset(name=table, query=f"select * from {table}")
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        found = batch.validate(suite, result_format=RESULT_FORMAT)
        # GX lists what raised an exception first: by name, not by position
        by_name = {result.expectation_config.meta["check"]: result for result in found.results}
        return [_verdict(check, by_name[check.name]) for check in checks]

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Run a query of ours on the same connection; for small results."""
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.exec_driver_sql(query).mappings()]


@contextmanager
def open_warehouse(database: Path, config: Mapping[str, Any]) -> Iterator[GxWarehouse]:
    """Open a DuckDB file read-only for GX, and let go of it at the end. config: DuckDB settings.

    Raises:
        duckdb.IOException: the file is not there, or another process writes to it.
    """
    import duckdb

    # GX wraps this error in its own; callers retry on DuckDB's
    duckdb.connect(str(database), read_only=True, config=dict(config)).close()
    with _quiet():
        import sqlalchemy as sa

        # the path is not in the URL, where '?', '#', '%' and '$' mean something
        arguments = {"database": str(database), "read_only": True, "config": dict(config)}
        datasource = _context().data_sources.add_sql(
            name="warehouse", connection_string="duckdb://", create_temp_table=False, kwargs={"connect_args": arguments}
        )
        # GX makes two engines: one to try the connection, one to run expectations on
        engines = [datasource.get_engine(), datasource.get_execution_engine().engine]
        for engine in engines:
            sa.event.listen(engine, "after_cursor_execute", _buffer_rows)
        try:
            yield GxWarehouse(datasource)
        finally:
            for engine in engines:
                engine.dispose()


def _context() -> Any:
    """Return a context that lives in memory, sends no usage statistics, draws no progress bars and writes no files."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _buffer_rows(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

    if context is not None and cursor.description:
        rows = deque(cursor.fetchmany(BUFFERED_ROWS))
        context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(cursor, initial_buffer=rows)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep GX from logging what stands in the results anyway: an expectation that cannot run."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def expectation_classes() -> Mapping[str, Any]:
    """Return the expectation classes that checks may name: GX's own and ours."""
    import great_expectations.expectations as gxe

    return {**vars(gxe), NO_ROWS: _expect_no_rows()}


def _expectation(check: Check) -> Any:
    arguments = dict(check.arguments)
    if check.expectation == NO_ROWS:
        arguments["query"] = _literally(str(arguments["query"]))
    made = expectation_classes()[check.expectation]
    # GX puts descriptions into pages as they are
    description = escape(f"{check.name}: {check.description}", quote=False)
    severity = "critical" if check.severity == "error" else "warning"
    return made(**arguments, description=description, severity=severity, meta={"check": check.name})


def _literally(query: str) -> str:
    """Escape what GX and SQLAlchemy would fill in, `{batch}` and `:parameter`; our queries name their tables."""
    braced = query.replace("{", "{{").replace("}", "}}")
    return re.sub(r"(?<![:\w\\]):(?=\w)", r"\:", braced)


@cache
def _expect_no_rows() -> Any:
    """Make the expectation that a query finds nothing.

    GX's UnexpectedRowsExpectation runs its query twice, once for rows and once to count them; on 18.5 million lines the
    key check takes 4 s each time. This one only counts, with the metric that GX has for that.
    """
    from great_expectations.expectations.expectation import BatchExpectation

    class ExpectNoRows(BatchExpectation):
        """Expect a query to return no rows."""

        query: str
        metric_dependencies: ClassVar[tuple[str, ...]] = ("query.row_count",)
        success_keys: ClassVar[tuple[str, ...]] = ("query",)
        domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "row_condition", "condition_parser")

        def _validate(
            self, metrics: dict, runtime_configuration: dict | None = None, execution_engine: Any = None
        ) -> dict[str, Any]:
            count = metrics["query.row_count"]
            return {"success": count == 0, "result": {"observed_value": count}}

    return ExpectNoRows


def _verdict(check: Check, validation: Any) -> Verdict:
    error = _error(validation.exception_info)
    if error is not None:
        return Verdict(check, False, None, error, validation)
    counted = "observed_value" if check.expectation == NO_ROWS else "unexpected_count"
    failed = validation.result.get(counted)
    # GX takes a column check without a count for "vacuously true": it is, on an empty table; else the check did not run
    if failed is None and validation.result.get("element_count", 1) > 0 and check.expectation != ROW_COUNT:
        return Verdict(check, False, None, "Great Expectations returned no count", validation)
    return Verdict(check, bool(validation.success), failed, None, validation)


def _error(exception_info: Mapping[str, Any]) -> str | None:
    """Return the first line of what an expectation raised: one exception, or one a metric."""
    infos = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    messages = [str(info["exception_message"]) for info in infos if info["raised_exception"]]
    return first_line(messages[0]) if messages else None


def first_line(message: str) -> str:
    """Return the first line of a message; further lines hold the query and its values."""
    lines = message.strip().splitlines()
    return lines[0] if lines else "no message"


def unchecked(check: Check, error: str) -> Verdict:
    """Return the verdict on a check that GX never came to, because its table could not be read."""
    from great_expectations.core import ExpectationValidationResult

    validation = ExpectationValidationResult(
        success=False, expectation_config=_expectation(check).configuration, result={}
    )
    return Verdict(check, False, None, error, validation)
