"""The ``local`` runtime: worker processes on this machine."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pydantic import Field

from vecmill.concurrency import usable_processors
from vecmill.protocols import Options, Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vecmill.records import Receipt, RunEvent, ShardFailure, ShardTask

PROCESSORS_PER_WORKER = 8


class LocalRuntime(Runtime["LocalRuntime.Config"]):
    """Runs shards in worker processes, so that a crash costs one attempt at one shard."""

    name = "local"

    class Config(Options):
        """Options of ``local``.

        Attributes:
            workers: Processes; by default one for every eight processors. A worker's engine uses all the
                processors of its share, so more workers seldom mean more speed, but always more memory.
            attempts: How often a shard is tried before it counts as failed.
        """

        workers: int | None = Field(None, ge=1)
        attempts: int = Field(3, ge=1)

    def map(self, tasks: Sequence[ShardTask], report: Callable[[RunEvent], None]) -> Iterator[Receipt | ShardFailure]:
        """Do every task, and yield receipts and failures as they come."""
        from vecmill_local_runtime.workers import Pool

        pool = Pool(tasks, share_processors(self.config.workers, len(tasks)), self.config.attempts, report)
        try:
            yield from pool.run_tasks()
        finally:
            pool.stop()


def share_processors(workers: int | None, tasks: int) -> list[list[int]]:
    """Divide the processors among worker processes; neighbours stay together.

    Args:
        workers: The number of worker processes; by default one for every eight processors.
        tasks: The number of tasks; there are never more workers than tasks.

    Returns:
        The processors of each worker. If there are more workers than processors, each worker has all of them.
    """
    processors = usable_processors()
    count = max(1, min(workers or max(1, len(processors) // PROCESSORS_PER_WORKER), tasks))
    if count > len(processors):
        return [processors] * count
    bounds = [len(processors) * i // count for i in range(count + 1)]
    return [processors[start:end] for start, end in itertools.pairwise(bounds)]
