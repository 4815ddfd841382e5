"""Runtime: where shards are done."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from vecmill.protocols.component import Component, ConfigT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from vecmill.records import Cost, Dataset, Pace, Receipt, RunEvent, ShardFailure, ShardTask


class Runtime(Component[ConfigT]):
    """Runs shard tasks on machines: ``vecmill.worker.Worker`` does one, the runtime finds it a place.

    Attributes:
        cost: What the run has cost so far. The job sets it to what earlier commands spent; a runtime that
            costs money adds to it while it works. None where nobody sends a bill.
    """

    cost: Cost | None = None

    def elsewhere(
        self,
        job: Any,  # noqa: ANN401 - a Job, which stands above protocols
        report: Callable[[RunEvent], None],
        *,
        overwrite: bool,
        since: str | Path | None,
        trust_vectors: bool,
    ) -> Dataset | None:
        """Run a whole job where this runtime's disk is, and return its dataset; None to have it run here.

        Asked before anything is planned: source, model and dataset are then out of this machine's sight.

        Args:
            job: What to do.
            report: Told of ``RunElsewhere`` before it begins.
            overwrite: As given to ``vecmill.run``.
            since: As given to ``vecmill.run``.
            trust_vectors: As given to ``vecmill.run``.
        """
        del job, report, overwrite, since, trust_vectors
        return None

    def holding(self, folder: Path) -> AbstractContextManager[object]:
        """Keep other runs out of a dataset's folder, from before it is looked at until it is published.

        On one machine the folder's own lock does so. Where several machines see the folder, the runtime must.

        Args:
            folder: Where the dataset is made.

        Returns:
            A context, which raises a ``StoreError`` when it is entered while another run is in it.
        """
        del folder
        return contextlib.nullcontext()

    @abstractmethod
    def map(self, tasks: Sequence[ShardTask], report: Callable[[RunEvent], None]) -> Iterator[Receipt | ShardFailure]:
        """Do every task and yield a receipt or a failure for each, in any order.

        A failed attempt is tried again, on another worker if need be. Closing the iterator early stops
        the workers; no shard file is left half written.

        Args:
            tasks: What to do; may be long, so feed workers a window at a time.
            report: Takes ``ShardProgress`` and ``ShardRetried`` as they happen.
        """

    def pace(self, flop_per_token: float) -> Pace | None:
        """Say how fast this runtime would embed, and at what price; None to have it measured on this machine.

        Args:
            flop_per_token: What the model computes for a token.
        """
        del flop_per_token
        return None
