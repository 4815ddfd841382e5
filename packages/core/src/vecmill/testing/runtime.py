"""InlineRuntime: every shard in this process, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.errors import UnfitEngineError, VecmillError
from vecmill.protocols import Options, Runtime
from vecmill.records import ShardFailure, ShardProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vecmill.records import Receipt, RunEvent, ShardTask


class InlineRuntime(Runtime[Options]):
    """Does shards here and now; a failure is final."""

    name = "inline"

    def map(self, tasks: Sequence[ShardTask], report: Callable[[RunEvent], None]) -> Iterator[Receipt | ShardFailure]:
        """Do the tasks in order."""
        from vecmill.worker import Worker

        with Worker() as worker:
            for task in tasks:
                try:
                    yield worker.do(task, lambda progress: report(ShardProgress(progress)))
                except VecmillError as error:
                    yield ShardFailure(index=task.index, error=str(error), engine=isinstance(error, UnfitEngineError))
