"""The ``modal`` runtime: shards go to containers of an app, receipts come back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from vecmill.protocols import Runtime
from vecmill.records import Spent
from vecmill_modal_runtime.options import ModalOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from vecmill.protocols import Lease
    from vecmill.records import Cost, Pace, Receipt, RunEvent, ShardFailure, ShardTask

ROUTER_SHARE = 0.9
"""Of the time in which a container must have started: then it ends with the router's last lines, not without any."""


class ModalRuntime(Runtime[ModalOptions]):
    """Runs shards on Modal's GPUs, in containers of the app's worker class; the driver sees receipts alone."""

    name = "modal"
    Config = ModalOptions
    _spent: Cost | None = None

    def lease(self, folder: Path) -> Lease:
        """Return the lease of a folder of the Volume: entered, it shows what the run before left there.

        Raises:
            ConfigError: The folder is not on the Volume.
        """
        from vecmill_modal_runtime.leases import FolderLease

        return FolderLease(folder, "run", logging.getLogger(__name__).warning)

    def accept_cost(self, spent: Cost) -> None:
        """Count what the run has cost before towards its ceiling."""
        self._spent = spent

    def map(self, tasks: Sequence[ShardTask], report: Callable[[RunEvent], None]) -> Iterator[Receipt | ShardFailure]:
        """Do every task, and yield receipts and failures as they come.

        Raises:
            ConfigError: This is no container of an app that has a worker class, or the run has no ceiling.
        """
        from vecmill_modal_runtime import app, volume
        from vecmill_modal_runtime.budget import Budget, expect_cost_of, require_ceiling, shard_dollars
        from vecmill_modal_runtime.dispatch import Dispatch

        options = self.config
        if not tasks:
            return
        require_ceiling(options, lambda: expect_cost_of(tasks, options))
        worker = app.find_worker(options)(**_worker_parameters(tasks[0], options))
        guess = shard_dollars(options, tasks[0]) if options.ceiling else 0.0
        budget = Budget(options, self._spent, guess)
        dispatch = Dispatch(tasks, options, budget, report)
        volume.commit()
        with volume.ending_with(volume.reload):
            try:
                yield from dispatch.outcomes(lambda feed: _map_tasks(worker, feed))
            finally:
                if dispatch.in_flight and dispatch.call:
                    _cancel(dispatch.call)
                budget.close()
                report(Spent(budget.cost, 0))

    def pace(self, flop_per_token: float) -> Pace:
        """Reckon with the GPU's peak and Modal's prices."""
        from vecmill_modal_runtime.budget import pace

        return pace(self.config, flop_per_token)


def _worker_parameters(task: ShardTask, options: ModalOptions) -> dict[str, str | int]:
    """Return the parameters of the worker class: which model it opens, and how to serve it.

    Raises:
        ConfigError: There is no router, or it does not have this arithmetic, or cannot compute as many tokens at once.
    """
    from vecmill_modal_runtime.jobs import check_router, is_served

    embedder = task.spec.embedder
    name, revision = embedder.options.get("model") or "", embedder.options.get("revision") or ""
    chosen: dict[str, str | int] = {"model": name, "revision": revision}
    if not is_served(embedder) or not name:
        return chosen
    from vecmill.models import open_model
    from vecmill_modal_runtime.gpus import batch_tokens
    from vecmill_modal_runtime.router import check_precision

    check_router(options)
    precision = embedder.options.get("precision") or "f16"
    check_precision(precision)
    return {
        **chosen,
        "device": "cuda",
        "precision": precision,
        "startup_s": max(1, round(options.startup_timeout_s * ROUTER_SHARE)),
        "cores": max(1, int(options.cpu)),
        "batch_tokens": batch_tokens(options, open_model(name, revision or None), precision),
    }


def _cancel(call: str) -> None:
    """End what Modal has been asked for and nobody waits for any more; it would be done, and paid for."""
    import modal

    try:
        modal.FunctionCall.from_id(call).cancel()
    except modal.exception.Error as error:
        logging.getLogger(__name__).warning("shards that wait with Modal could not be taken back: %s", error)


def _map_tasks(worker: Any, feed: AsyncIterator[str]) -> Iterable[str | BaseException]:  # noqa: ANN401 - (the same)
    answers: Iterable[str | BaseException] = worker.do.map(feed, order_outputs=False, return_exceptions=True)
    return answers
