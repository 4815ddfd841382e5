"""Shards: the tasks of a run, given to its runtime until each has its receipt."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from vecmill.errors import RunError
from vecmill.job.delivery import errands
from vecmill.records import Receipt, RunStarted, ShardDone, ShardFailed, ShardFailure
from vecmill.store.ids import duplicates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from vecmill.job.plan import Plan
    from vecmill.records import RunEvent, ShardTask, WorkSpec

SHOWN = 5
"""Failed shards named in an error; the others are counted."""


class Shards:
    """The shards of one run: which are done, and which are to be.

    Attributes:
        receipts: Of the shards that are done, by number.
    """

    def __init__(
        self,
        plan: Plan,
        tell: Callable[[RunEvent], None],
        receipts: dict[int, Receipt],
        duplicates: Mapping[int, list[str]] | None = None,
    ) -> None:
        self._plan = plan
        self._tell = tell
        self.receipts = receipts
        self._duplicates: dict[int, list[str]] = dict(duplicates or {})

    def do_all(self) -> None:
        """Do every shard that has no receipt."""
        self.do(task.index for task in self._plan.tasks if task.index not in self.receipts)

    def do(self, indices: Iterable[int]) -> None:
        """Do these shards.

        Raises:
            RunError: Some failed for good; the others are done and stay.
        """
        tasks = [self._task(index) for index in indices]
        self._tell(self._started(tasks))
        failures = (
            [outcome for outcome in self._plan.runtime.map(tasks, self._tell) if not self._taken(outcome)]
            if tasks
            else []
        )
        if failures:
            raise RunError(_missing(failures, len(self._plan.tasks)))

    def set_duplicates_aside(self) -> None:
        """Do those shards again that hold a document whose id an earlier shard has."""
        shards = [task.index for task in self._plan.tasks]
        self._duplicates = duplicates(self._plan.layout, shards, len(shards))
        if self._duplicates:
            self.do(self._duplicates)

    def _taken(self, outcome: Receipt | ShardFailure) -> bool:
        if isinstance(outcome, Receipt):
            self.receipts[outcome.index] = outcome
            self._tell(ShardDone(outcome, self._plan.tasks[outcome.index].partition.bytes))
            return True
        self._tell(ShardFailed(outcome))
        return False

    def _task(self, index: int) -> ShardTask:
        changes = {"spec": self._spec, "duplicates": tuple(self._duplicates.get(index, ()))}
        return self._plan.tasks[index].model_copy(update=changes)

    @cached_property
    def _spec(self) -> WorkSpec:
        """What tasks share, with the errands of publishers, who are asked when there is work to do."""
        return self._plan.tasks[0].spec.model_copy(update={"errands": errands(self._plan.publishers)})

    def _started(self, tasks: list[ShardTask]) -> RunStarted:
        every = self._plan.tasks
        size = sum(task.partition.bytes for task in every)
        left = sum(task.partition.bytes for task in tasks)
        known = [task.partition.documents for task in every]
        return RunStarted(
            run_id=self._plan.run_id,
            directory=str(self._plan.layout.root),
            shards=len(every),
            done=len(every) - len(tasks),
            bytes=size,
            done_bytes=size - left,
            documents=None if None in known else sum(count for count in known if count is not None),
        )


def _missing(failures: list[ShardFailure | Receipt], count: int) -> str:
    named = [f"shard {f.index}: {f.error}" for f in failures[:SHOWN] if isinstance(f, ShardFailure)]
    more = [f"and {len(failures) - SHOWN} more"] if len(failures) > SHOWN else []
    head = f"{len(failures)} of {count} shards failed; the others are done and kept. "
    head += "Mend the cause and run the same command again:"
    return "\n  ".join([head, *named, *more])
