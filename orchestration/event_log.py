"""Dagster's record of events, kept in SQLite as Dagster does it, with connections that stay open.

Dagster's own opens, synchronises and closes a database for every event, of which a night has 1,400 and writes each to
two databases: six waits for the disk an event, and the last to close folds the log into the file. Here a connection
stays open, and SQLite waits for the disk only where it folds the log (WAL with synchronous = NORMAL: after a power cut
the last events may be missing, the file is whole). What a company relies on stands in its warehouse, not here.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster._core.event_api import EventHandlerFn
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.polling_event_watcher import SqlPollingEventWatcher
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import StaticPool

# the databases that stay open: the index, the run under way, and two runs that somebody looks at in the UI
OPEN_DATABASES = 4
BUSY_SECONDS = 30


class EventLog(SqliteEventLogStorage):
    """Dagster's SQLite event log, the same files in the same place ($DAGSTER_HOME/history/runs)."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._open: OrderedDict[str, sa.Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)
        self._watcher = SqlPollingEventWatcher(self)

    @classmethod
    def config_type(cls) -> Any:
        """Nothing can be configured."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> EventLog:
        """Return the log of the instance at $DAGSTER_HOME, where Dagster's default keeps it."""
        return cls(str(Path(os.environ["DAGSTER_HOME"], "history", "runs")), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        """Lend the connection of a database; the base class takes it for one transaction at a time."""
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> sa.Engine:
        if shard not in self._open:
            engine = sa.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                # one thread at a time has it: the lock
                connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            )
            sa.event.listen(engine, "connect", _wait_for_the_disk_seldom)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._open[shard] = engine
        self._open.move_to_end(shard)
        while len(self._open) > OPEN_DATABASES:
            self._open.popitem(last=False)[1].dispose()
        return self._open[shard]

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        """Call `callback` with the events of a run as they come: asked for, as a file that stays open tells nothing."""
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: EventHandlerFn) -> None:
        """Call `handler` no more."""
        self._watcher.unwatch_run(run_id, handler)

    def wipe(self) -> None:
        """Remove all events."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """End the watching and close the databases."""
        self._watcher.close()
        self._close()
        super().dispose()

    def _close(self) -> None:
        with self._db_lock:
            while self._open:
                self._open.popitem()[1].dispose()


def _wait_for_the_disk_seldom(connection: Any, _record: object) -> None:
    connection.execute("pragma synchronous = normal")
