"""What every step of the night shares: its retry rule, its pool, its owner, and how its tables are told to Dagster.

A step that meets a locked warehouse or a failing disk is tried again; one that meets the memory limit, once more with
one thread. Anything else fails at once, because trying again would only hide it.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import dagster as dg
import duckdb
from dagster_dbt.errors import DagsterDbtCliRuntimeError

from orchestration.errors import ShelfcastError, WarehouseBusyError
from orchestration.warehouse import spare_memory

OWNER = "team:data"
POOL = "warehouse"
RETRIES = 3
WAIT_SECONDS = 30
# how DuckDB's message begins, wherever a process or library between has made other errors of it
OUT_OF_MEMORY = "Out of Memory Error"


def table_specs(
    tables: Mapping[str, str], deps: Iterable[str | dg.AssetKey], group: str, kinds: set[str]
) -> list[dg.AssetSpec]:
    """Return the assets of a step that makes several tables, each from the same ones.

    tables: `schema.table` -> what one of its rows is. deps: what the step reads, as `schema.table` or as a key.
    """
    read = [dg.AssetKey(each.split(".")) if isinstance(each, str) else each for each in deps]
    return [
        dg.AssetSpec(table.split("."), deps=read, group_name=group, kinds=kinds, owners=[OWNER], description=about)
        for table, about in tables.items()
    ]


class MemoryLimitError(ShelfcastError):
    """The memory limit was reached with one thread."""


@contextmanager
def retrying_io() -> Iterator[None]:
    """Ask Dagster to run the step again when the warehouse is locked, the disk fails or the memory limit is reached.

    Steps are idempotent. After the memory limit the rest of the night uses one thread.

    Raises:
        MemoryLimitError: the limit was reached with one thread.
    """
    try:
        yield
    except (WarehouseBusyError, duckdb.IOException, OSError) as error:
        raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=WAIT_SECONDS) from error
    except (duckdb.OutOfMemoryException, MemoryError, DagsterDbtCliRuntimeError) as error:
        if isinstance(error, DagsterDbtCliRuntimeError) and OUT_OF_MEMORY not in str(error):
            raise
        if spare_memory():
            raise MemoryLimitError(
                f"the memory limit was reached, with one thread too — {_said(error)} — raise memory_limit in "
                "shelfcast.yml, or give the night a machine with more memory; latest stays as it was"
            ) from error
        raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=0) from error


def _said(error: BaseException) -> str:
    """The line of an error that speaks of memory; else its first."""
    lines = str(error).splitlines() or [type(error).__name__]
    return next((line.strip() for line in lines if OUT_OF_MEMORY in line), lines[0])
