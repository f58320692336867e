"""Named moments at which a test kills the night: `SHELFCAST_KILL_AT=before_swap` ends the process there, as kill -9.

Belongs here: their names, in the order of a night. Each stands just after or before something that must not be half
done. Without the variable they do nothing.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "SHELFCAST_KILL_AT"
FAILPOINTS = (
    "mid_load",  # rows of a file are in the warehouse, not committed
    "after_ingest",  # all files are loaded, the run's business day is fixed
    "mid_build",  # the business tables are built, what rests on forecasts is not
    "after_forecasts",  # models are trained and kept, their tables written
    "mid_publish",  # the first table of the night is written, the others are not
    "before_rename",  # the night is complete in its hidden folder
    "before_swap",  # it has its name, latest still points to the one before
    "after_swap",  # latest points to it, the run is not closed
)


def reached(name: str) -> None:
    """Die here where a test asks for it: no handler runs, nothing is flushed."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
