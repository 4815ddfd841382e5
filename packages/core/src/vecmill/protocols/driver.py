"""Runtime, Launcher and Publisher: where a job's shards are done, where a job is run, and where its dataset goes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from vecmill.protocols.component import Component, ConfigT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from vecmill.records import (
        Cost,
        Dataset,
        FileEntry,
        Manifest,
        Pace,
        Receipt,
        RunEvent,
        RunOptions,
        Sent,
        ShardFailure,
        ShardTask,
    )


class Lease(ABC):
    """The right of one run to work in a folder that several machines see: entered first, left last."""

    @abstractmethod
    def __enter__(self) -> Self:
        """Take the folder, and see in it what the run before left.

        Raises:
            StoreError: Another run works in it.
        """

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the folder back, with all that the run has written there."""

    @abstractmethod
    def check(self) -> None:
        """Make sure that the run still has the folder; called with each shard that comes back.

        Raises:
            RunError: Another run has taken it.
        """


class Runtime(Component[ConfigT]):
    """Runs shard tasks on machines. ``vecmill.Worker`` does one task; the runtime finds a machine for it.

    A worked example is in ``docs/plugins.md``; the smallest one does all shards here and now::

        class Inline(Runtime[Options]):
            name = "inline"

            def map(self, tasks, report):
                with vecmill.Worker() as worker:
                    for task in tasks:
                        try:
                            yield worker.do(task, lambda progress: report(ShardProgress(progress)))
                        except Exception as error:
                            yield describe_failure(task, error)
    """

    @abstractmethod
    def map(self, tasks: Sequence[ShardTask], report: Callable[[RunEvent], None]) -> Iterator[Receipt | ShardFailure]:
        """Do every task and yield a receipt or a failure for each, in any order.

        A failed attempt is tried again, on another worker if need be, unless its error is final
        (``vecmill.runtimes.is_final``). Closing the iterator early stops the workers; no shard file is left half
        written.

        Args:
            tasks: What to do; may be long, so feed workers a window at a time.
            report: Takes ``ShardStarted``, ``ShardProgress`` and ``ShardRetried`` as they happen, from any thread, and
                ``Spent`` from a runtime that costs money.
        """

    def accept_cost(self, spent: Cost) -> None:
        """Take note, before ``map``, of what the run has cost so far, in this command and earlier ones.

        ``Spent.cost`` is reported with it, and a ceiling is for all of it. Not called where nothing was spent.
        """

    def lease(self, folder: Path) -> Lease | None:
        """Return what keeps other runs out of the dataset's folder, from before it is looked at until it is published.

        None, the default, where all machines share a file system with locks: the folder has a lock of its own.

        Args:
            folder: Where the dataset is made.
        """
        del folder
        return None

    def pace(self, flop_per_token: float) -> Pace | None:
        """Return how fast this runtime would embed, and at what price; None to have it measured on this machine.

        Args:
            flop_per_token: What the model computes for a token.
        """
        del flop_per_token
        return None


class Launcher(Component[ConfigT]):
    """Takes a whole job to where its machines and its disk are, and brings its events and its dataset back.

    A job names it in ``runtime.name``, where it may name a runtime. One name may have both: the launcher takes the job
    away, and there the runtime of that name does its shards.
    """

    def is_needed(self) -> bool:
        """Return whether the job must be taken away; False in a process that is there already."""
        return True

    @abstractmethod
    def run(
        self,
        job: Any,  # noqa: ANN401 - a vecmill.Job, which stands above protocols
        report: Callable[[RunEvent], None],
        options: RunOptions,
    ) -> Dataset:
        """Run a job there, wait for it, and return its dataset.

        Nothing was planned or opened before: source, model and dataset may be out of this machine's sight.

        Args:
            job: What to do, a ``vecmill.Job``.
            report: Takes ``RunSubmitted`` before it begins, and then what is known here of the run's own events.
            options: As given to ``vecmill.run``; refuse what has no meaning there.

        Raises:
            ConfigError: The job cannot run there. Nothing was started.
            VecmillError: The run failed; the same call goes on from what is done.
        """

    def pace(self, flop_per_token: float) -> Pace | None:
        """Return how fast it would embed there, and at what price; None where that is not known.

        Args:
            flop_per_token: What the model computes for a token.
        """
        del flop_per_token
        return None


class Publisher(Component[ConfigT]):
    """Takes a finished dataset folder to where its readers are.

    A destination that somebody else has written to is refused. What was published before and is no longer part of the
    dataset is removed. A dataset with a damaged file is refused; ``vecmill.store.check_files`` finds out.
    Readers see the old dataset or the new one. ``vecmill.testing.check_delivery`` tries all of this.

    Attributes:
        report: Called with ``Publishing`` events during a long delivery.
    """

    def __init__(self, config: ConfigT) -> None:
        super().__init__(config)
        self.report: Callable[[RunEvent], None] = _ignore

    def directory(self) -> Path | None:
        """Return the folder in which the dataset is to be made, if this publisher has one on this machine."""
        return None

    def prepare(self) -> dict[str, Any] | None:
        """Get the destination ready for shards that workers send themselves; called in the driver, before the work.

        Returns:
            What ``send`` needs to know, in JSON types and without secrets; ``None`` to have no worker send anything.

        Raises:
            PublishError: It cannot be made ready; no work is begun.
        """
        return None

    def send(self, dataset: Path, shard: FileEntry, ready: Mapping[str, Any]) -> dict[str, Any]:
        """Send a shard from the worker that made it. Readers must not see it before ``publish``.

        Args:
            dataset: The dataset's folder, as the worker sees it.
            shard: The file, below that folder.
            ready: What ``prepare`` returned.

        Returns:
            What ``accept`` needs to know, in JSON types: less than a kilobyte, without secrets.

        Raises:
            PublishError: It could not be sent; it is then left to ``publish``.
        """
        raise NotImplementedError

    def accept(self, sent: Iterable[Sent]) -> None:
        """Take note, before ``publish`` or ``preview``, of what workers sent with a publisher of this name.

        It may be for another destination: an earlier try of the job may have named another. ``publish`` need not send
        these shards again, and should if the destination has lost them.
        """

    def check(self) -> None:
        """Fail now, before the work, if publishing could not succeed later.

        Raises:
            PublishError: No permission, no token, a destination that holds something else.
        """

    def preview(self, dataset: Path, manifest: Manifest) -> Iterator[str]:
        """Yield in lines what ``publish`` would do now, such as ``"write 4 rows to …"``, and change nothing."""
        shards = len(manifest.shards)
        yield f"publish {shards} shard{'s' * (shards != 1)} of {dataset}"

    @abstractmethod
    def publish(self, dataset: Path, manifest: Manifest) -> str:
        """Deliver the dataset and return where it is. Called again after a failure, it goes on where it was.

        Raises:
            PublishError: It could not be delivered; the dataset folder is unharmed.
        """


def _ignore(event: RunEvent) -> None:
    """Do nothing with an event."""
