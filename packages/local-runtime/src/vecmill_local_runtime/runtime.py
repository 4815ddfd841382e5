"""The ``local`` runtime: worker processes on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from vecmill.protocols import Options, Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vecmill.records import Receipt, RunEvent, ShardFailure, ShardTask


class LocalOptions(Options):
    """How to use this machine.

    Attributes:
        workers: Processes; by default one for every eight processors. A worker's engine uses all the
            processors of its share, so more workers seldom mean more speed, but always more memory.
        attempts: How often a shard is tried before it counts as failed.
    """

    workers: int | None = Field(None, ge=1)
    attempts: int = Field(3, ge=1)


class LocalRuntime(Runtime[LocalOptions]):
    """Runs shards in processes of their own, so that a crash costs one attempt at one shard."""

    name = "local"
    Config = LocalOptions

    def map(self, tasks: Sequence[ShardTask], report: Callable[[RunEvent], None]) -> Iterator[Receipt | ShardFailure]:
        """Do every task, and yield receipts and failures as they come."""
        from vecmill_local_runtime.pool import Pool
        from vecmill_local_runtime.processors import shares

        pool = Pool(tasks, shares(self.config.workers, len(tasks)), self.config.attempts, report)
        try:
            yield from pool.outcomes()
        finally:
            pool.stop()
