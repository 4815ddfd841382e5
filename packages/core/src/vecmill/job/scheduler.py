"""Scheduler: it gives the shard tasks of a run to the runtime until each has its receipt."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Generator, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from vecmill.errors import PluginError, ReuseError, RunError, StoreError, check_result
from vecmill.job.publish import REFUSED, prepare_uploads
from vecmill.records import DocumentsRetried, Receipt, RunStarted, ShardDone, ShardFailed, ShardFailure, Spent
from vecmill.store.reuse_index import write_index
from vecmill.store.state import find_duplicates, read_refused, refuse_earlier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from vecmill.job.plan import Plan
    from vecmill.records import Cost, RunEvent, ShardTask, WorkSpec


SHOWN = 5
"""Reasons, and shards of each, that an error names; the others are counted."""
GIVE_UP = 10
"""Shards in a row that may fail. A dead engine or a full disk fails all of them, for hours."""


class Shards:
    """The shards of one run: which are done, and which remain.

    Args:
        plan: The run.
        notify: Called with each event.
        receipts: Of the shards that are done, by number.
        duplicates: Ids that an earlier shard has, by shard.
        again: Shards without a receipt whose files exist, and whose vectors are reused.

    Attributes:
        receipts: Of the shards that are done, by number.
        cost: What the run has cost so far, over all commands; None where it costs nothing.
    """

    def __init__(
        self,
        plan: Plan,
        notify: Callable[[RunEvent], None],
        receipts: dict[int, Receipt],
        duplicates: Mapping[int, list[str]] | None = None,
        again: Iterable[int] = (),
    ) -> None:
        self._plan = plan
        self._notify = notify
        self.receipts = receipts
        self.cost: Cost | None = None
        self._seals: dict[int, str] = {}
        self._duplicates: dict[int, list[str]] = dict(duplicates or {})
        self._again = set(again)

    def do_all(self) -> None:
        """Do every shard that has no receipt."""
        self.do(task.index for task in self._plan.tasks if task.index not in self.receipts)

    def do(self, indices: Iterable[int]) -> None:
        """Do these shards.

        Raises:
            RunError: Some failed for good; what is done stays.
            PluginError: The runtime yielded something else than outcomes, or none for a shard.
            StoreError: Files of finished shards were removed.
        """
        tasks = [self._make_task(index) for index in indices]
        self._notify(self._describe_start(tasks))
        failures, untried = self._collect_failures(tasks) if tasks else ([], 0)
        if failures and (why := _find_refusal(failures[-1])):
            self._refuse_earlier(why)
        if failures:
            raise RunError(_describe_missing(failures, untried, len(self._plan.tasks)))
        gone = [path for path in self._list_files() if not path.is_file()]
        if gone:
            raise StoreError(
                f"{gone[0]} and {len(gone) - 1} other files of this run were removed after they were written: "
                "run the same command again, which makes them again"
            )

    def retry_refused(self, before: Mapping[int, Receipt]) -> str:
        """Do the shards with documents that the engine refused again, for these documents alone.

        Args:
            before: Receipts of earlier commands.

        Returns:
            Why not all could be tried; empty if all were. A failure leaves what is there as it is.
        """
        refused = {index: receipt.reasons[REFUSED] for index, receipt in before.items() if REFUSED in receipt.reasons}
        if not refused:
            return ""
        self._again |= refused.keys()
        error = ""
        try:
            self.do(sorted(refused))
        except RunError as failure:
            error = str(failure)
        left = sum(self.receipts[index].reasons.get(REFUSED, 0) for index in refused)
        self._notify(DocumentsRetried(sum(refused.values()), sum(refused.values()) - left, error))
        return error

    def _collect_failures(self, tasks: list[ShardTask]) -> tuple[list[ShardFailure], int]:
        """Do tasks; return the failures, and how many were not tried because too many in a row had failed.

        If an engine refuses everything before it has embedded a document, no other shard is tried.
        """
        failures: list[ShardFailure] = []
        in_a_row, left, embedded = 0, {task.index for task in tasks}, False
        if self.cost is not None:
            self._plan.runtime.accept_cost(self.cost)
        with _closing(self._start_map(tasks)) as outcomes:
            for outcome in map(self._check_outcome, outcomes):
                if self._plan.lease is not None:
                    self._plan.lease.check()
                left.discard(outcome.index)
                if self._take_outcome(outcome):
                    in_a_row = 0
                    embedded = embedded or (isinstance(outcome, Receipt) and outcome.account.documents_embedded > 0)
                elif isinstance(outcome, ShardFailure):
                    failures.append(outcome)
                    in_a_row += 1
                if in_a_row == GIVE_UP or (in_a_row and failures[-1].engine and not embedded):
                    break
                if failures and _find_refusal(failures[-1]):
                    break
        if left and not failures:
            missing = _format_numbers(sorted(left))
            raise PluginError(
                f"the runtime {self._plan.runtime.name!r} ended without an outcome for {missing}: "
                "run the same command again, and report it to the runtime's author if it stays so"
            )
        return failures, len(left)

    def _start_map(self, tasks: list[ShardTask]) -> Iterator[Receipt | ShardFailure]:
        runtime = self._plan.runtime
        outcomes = runtime.map(tasks, self._report)
        check_result(outcomes, Iterable, "runtime", runtime.name, "map()")  # type: ignore[type-abstract]
        return outcomes

    def _report(self, event: RunEvent) -> None:
        """Pass on what the runtime reports, and note what it says of the cost."""
        if isinstance(event, Spent):
            self.cost = event.cost
        self._notify(event)

    def _refuse_earlier(self, why: str) -> NoReturn:
        """Note that an earlier dataset must not be reused: shards that reused it are done again.

        Raises:
            RunError: With the worker's message.
        """
        assert self._plan.since is not None  # noqa: S101 - there was something to refuse
        refuse_earlier(self._plan.layout, self._plan.since[1].shards_digest, why)
        raise RunError(why)

    def _list_files(self) -> Iterator[Path]:
        for receipt in self.receipts.values():
            for entry in (receipt.shard, receipt.quarantine):
                if entry is not None:
                    yield self._plan.layout.root / entry.path

    def quarantine_duplicates(self) -> None:
        """Do the shards again that hold a document whose id an earlier shard has."""
        shards = [task.index for task in self._plan.tasks]
        self._duplicates = find_duplicates(self._plan.layout, shards, len(shards))
        if self._duplicates:
            self.do(self._duplicates)

    def _check_outcome(self, outcome: Receipt | ShardFailure) -> Receipt | ShardFailure:
        """Return an outcome; a receipt of other rows or options than the task's becomes a failure."""
        if isinstance(outcome, ShardFailure):
            return outcome
        if not isinstance(outcome, Receipt):
            raise PluginError(
                f"the runtime {self._plan.runtime.name!r} yielded a {type(outcome).__name__}, neither a receipt nor a "
                "failure: report it to the runtime's author"
            )
        seal, run_id = self._seals.get(outcome.index), outcome.run_id
        if (seal, self._plan.run_id) == (outcome.task, run_id) and outcome.is_of(
            self._plan.tasks[outcome.index].partition
        ):
            return outcome
        return ShardFailure(
            index=outcome.index,
            error=f"its receipt is of other rows or options than were given ({outcome.account.documents_in} read): "
            "run again, and report it to the runtime's author if it happens again",
        )

    def _take_outcome(self, outcome: Receipt | ShardFailure) -> bool:
        if isinstance(outcome, Receipt):
            self.receipts[outcome.index] = outcome
            self._notify(ShardDone(outcome, self._plan.tasks[outcome.index].partition.bytes))
            return True
        self._notify(ShardFailed(outcome))
        return False

    def _make_task(self, index: int) -> ShardTask:
        changes = {
            "spec": self._spec,
            "duplicates": tuple(self._duplicates.get(index, ())),
            "again": index in self._again,
        }
        task = self._plan.tasks[index].model_copy(update=changes).seal()
        self._seals[index] = task.sealed
        return task

    @cached_property
    def _spec(self) -> WorkSpec:
        """What tasks share, with what is only prepared when there is work to do: an index, publishers' uploads."""
        changes: dict[str, object] = {"uploads": prepare_uploads(self._plan.publishers)}
        if self._plan.since is not None:
            there, manifest = self._plan.since
            why = read_refused(self._plan.layout).get(manifest.shards_digest)
            if why and not self._plan.trust_vectors:
                raise RunError(why)
            write_index(there, manifest, self._plan.layout)
            changes |= {
                "since": str(there.root),
                "seed": secrets.randbits(64),
                "trust_vectors": self._plan.trust_vectors,
            }
        return self._plan.tasks[0].spec.model_copy(update=changes)

    def _describe_start(self, tasks: list[ShardTask]) -> RunStarted:
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


@contextlib.contextmanager
def _closing(outcomes: Iterator[Receipt | ShardFailure]) -> Iterator[Iterator[Receipt | ShardFailure]]:
    """Stop a runtime's workers when the block ends, also if it fails."""
    try:
        yield outcomes
    finally:
        if isinstance(outcomes, Generator):
            outcomes.close()


def _find_refusal(failure: ShardFailure) -> str:
    """Return why an earlier dataset must not be reused, if a shard failed for that."""
    head = failure.error.find(ReuseError.HEAD)
    return failure.error[head:] if head >= 0 else ""


def _format_numbers(indices: list[int]) -> str:
    if len(indices) == 1:
        return f"shard {indices[0]}"
    shown = ", ".join(map(str, indices[:SHOWN]))
    return f"shards {shown}" + (f" and {len(indices) - SHOWN} more" if len(indices) > SHOWN else "")


def _describe_missing(failures: list[ShardFailure], untried: int, count: int) -> str:
    alike: dict[str, list[ShardFailure]] = {}  # the same reason is given once
    for failure in failures:
        alike.setdefault("" if failure.engine else failure.error, []).append(failure)
    named = [
        f"{_format_numbers([failure.index for failure in same])}: {same[0].error}"
        for same in list(alike.values())[:SHOWN]
    ]
    left = sum(map(len, list(alike.values())[SHOWN:]))
    more = [f"and {left} more"] if left else []
    if not any(failure.attempts for failure in failures):
        head = f"{len(failures) + untried} of {count} shards were not begun; what is done is kept:"
        return "\n  ".join([head, *named, *more])
    others = "the others are done and kept"
    if untried and failures[-1].engine:
        others = f"the engine refuses every text, so {untried} more were not tried; what is done is kept"
    elif untried:
        others = f"one after the other, so {untried} more were not tried; what is done is kept"
    head = f"{len(failures)} of {count} shards failed; {others}. Remove the cause and run the same command again:"
    return "\n  ".join([head, *named, *more])
