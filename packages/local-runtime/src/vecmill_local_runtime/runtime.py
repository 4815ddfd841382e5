"""The ``local`` runtime: worker processes on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.protocols import Runtime, later

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vecmill.records import Receipt, RunEvent, ShardFailure, ShardTask
    from vecmill_local_runtime.options import LocalOptions


class LocalRuntime(Runtime["LocalOptions"]):
    """Runs shards in processes of their own, so that a crash costs one attempt at one shard."""

    name = "local"
    Config = later("vecmill_local_runtime.options:LocalOptions")

    def map(self, tasks: Sequence[ShardTask], report: Callable[[RunEvent], None]) -> Iterator[Receipt | ShardFailure]:
        """Do every task, and yield receipts and failures as they come."""
        from vecmill_local_runtime.pool import Pool
        from vecmill_local_runtime.processors import shares

        pool = Pool(tasks, shares(self.config.workers, len(tasks)), self.config.attempts, report)
        try:
            yield from pool.outcomes()
        finally:
            pool.stop()
