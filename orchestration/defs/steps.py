"""What every step of the night shares: its retry rule, its pool and its owner.

A step that meets a locked warehouse or a failing disk is tried again; anything else fails at once, because trying
again would only hide it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import duckdb

from orchestration.errors import WarehouseBusyError

OWNER = "team:data"
POOL = "warehouse"
RETRIES = 3
WAIT_SECONDS = 30


@contextmanager
def retrying_io() -> Iterator[None]:
    """Ask Dagster to run the step again when the warehouse is locked or the disk fails; steps are idempotent."""
    try:
        yield
    except (WarehouseBusyError, duckdb.IOException, OSError) as error:
        raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=WAIT_SECONDS) from error
