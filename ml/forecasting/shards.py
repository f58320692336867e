"""The one seam between what is computed and where: `map_shards(function, shards)`.

What belongs here: running a function over shards. What does not: cutting shards and what the function does.

A shard is a self-contained Arrow table in, an Arrow table out: the function reads nothing else but what it was bound to
(functools.partial: settings, a small table). That is the contract of Spark's mapInArrow, so another engine can take the
place of local processes without a change in any model. Shards are cut by size, never by the number of workers, so the
result has the same bytes with one worker and with twenty.
"""

from collections.abc import Callable, Iterable

import pyarrow as pa

from ml.workers.processes import run_tasks

TIMEOUT_SECONDS = 600.0

ShardFunction = Callable[[pa.Table], pa.Table]


def map_shards(
    function: ShardFunction, shards: Iterable[pa.Table], workers: int = 1, timeout_seconds: float = TIMEOUT_SECONDS
) -> list[pa.Table]:
    """function(shard) of each shard, in their order; shards are taken one by one, so not all need to be in memory.

    function: importable by name, or a partial of such a one. With one worker nothing is spawned. A shard whose worker
    crashed, hung or raised is computed in this process: what raises there is raised.
    """
    if workers == 1:
        return [function(shard) for shard in shards]
    named = ((str(number), shard) for number, shard in enumerate(shards))
    return list(run_tasks(function, named, workers, timeout_seconds, otherwise=function).values())
