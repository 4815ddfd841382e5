"""The worker class: one shard task in, one outcome out.

An app decorates it: ``Worker = app.cls(image=…, gpu=…, volumes=…)(modal.concurrent(max_inputs=1)(ShardWorker))``.
Without ``from __future__ import annotations``: Modal reads the types of a class's parameters.
"""

import contextlib
import importlib
import os
import threading
from collections.abc import Iterator

import modal
from modal.experimental import stop_fetching_inputs

from vecmill import Worker
from vecmill.records import ShardTask
from vecmill.runtimes import ROUTER_VARIABLE
from vecmill_modal_runtime import volume
from vecmill_modal_runtime.dispatch import Outcome, failure
from vecmill_modal_runtime.router import BATCH_TOKENS, Router

HEAVY = ("httpx2", "numpy", "pyarrow.parquet", "tokenizers", "vecmill.tei.embedder", "vecmill.worker.worker")
"""Imported without a GPU, a network or a file of the Volume: what a snapshot may hold."""


class ShardWorker:
    """Does shards as ``vecmill run`` does them on a local machine; next to it, if wanted, a router for one model.

    Attributes:
        model: The model to fetch before the first shard.
        revision: Its revision.
        device: ``cuda`` or ``cpu`` for a router there; empty for none.
        precision: The router's arithmetic: ``f16`` or ``f32``.
        startup_s: Longest time for the router to start.
        cores: The processor cores that are paid for.
        batch_tokens: The most tokens that the router computes at once.
    """

    model: str = modal.parameter(default="")
    revision: str = modal.parameter(default="")
    device: str = modal.parameter(default="")
    precision: str = modal.parameter(default="f16")
    startup_s: int = modal.parameter(default=600)
    cores: int = modal.parameter(default=1)
    batch_tokens: int = modal.parameter(default=BATCH_TOKENS)

    @modal.enter()
    def open(self) -> None:
        """Fetch the model, and start the router.

        An error is noted for the first shard, which fails with it: raised, it would be a traceback in the log of
        every container, and the driver would not know of it.
        """
        self._lock = threading.Lock()
        self._active = 0
        self._idle: list[Worker] = []
        self._router: Router | None = None
        self._unusable: Exception | None = None
        try:
            self._make_ready()
        except Exception as error:  # noqa: BLE001 - a model may fail in any way, and the driver must know of it
            self._unusable = error

    def _make_ready(self) -> None:
        folder = volume.fetch_near(self.model, self.revision or None) if self.model else None
        if self.device and folder is not None:
            cuda = self.device == "cuda"
            router = Router(
                folder,
                cuda=cuda,
                precision=self.precision,
                startup_s=self.startup_s,
                cores=self.cores,
                batch_tokens=self.batch_tokens,
            )
            router.start()
            self._router = router
            os.environ[ROUTER_VARIABLE] = router.url

    @modal.method()
    def do(self, task: str) -> str:
        """Do a shard: when this returns, its file is committed.

        Args:
            task: A ``ShardTask`` as JSON.

        Returns:
            An ``Outcome`` as JSON. An error is returned rather than raised, for ``map`` would give it back
            without saying which shard it was.
        """
        parsed = ShardTask.model_validate_json(task)
        if self._unusable is not None:
            stop_fetching_inputs()  # the next attempt is another container's
            return _answer(failure(parsed.index, self._unusable, unusable=os.environ["MODAL_TASK_ID"]))
        try:
            with self._up_to_date(), self._take_worker() as worker:
                receipt = worker.do(parsed)
                volume.commit()
            return _answer(Outcome(index=parsed.index, receipt=receipt))
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and the driver must know of it
            return _answer(failure(parsed.index, error, self._router_end))

    @modal.exit()
    def close(self) -> None:
        """Close the models, and let the router finish."""
        for worker in self._idle:
            worker.close()
        if self._router is not None:
            self._router.stop()

    @property
    def _router_end(self) -> str:
        return self._router.ending if self._router is not None else ""

    @contextlib.contextmanager
    def _up_to_date(self) -> Iterator[None]:
        """Catch up with the Volume, unless another shard has files open."""
        with self._lock:
            if self._active == 0:
                volume.reload()
            self._active += 1
        try:
            yield
        finally:
            with self._lock:
                self._active -= 1

    @contextlib.contextmanager
    def _take_worker(self) -> Iterator[Worker]:
        """Take a worker whose model is open, if there is one; after an error it is as good, cancelled it is not."""
        worker = self._idle.pop() if self._idle else Worker()
        try:
            yield worker
        except Exception:
            self._idle.append(worker)
            raise
        except BaseException:
            worker.close()
            raise
        self._idle.append(worker)


def _answer(outcome: Outcome) -> str:
    """Return an outcome as JSON, with the call by which the driver can end what else it has asked for."""
    return outcome.model_copy(update={"call": modal.current_function_call_id() or ""}).model_dump_json(
        exclude_defaults=True
    )


class SnapshotWorker(ShardWorker):
    """The same from a snapshot of the memory, in which everything is imported; the router starts after it."""

    # parameters are not inherited
    model: str = modal.parameter(default="")
    revision: str = modal.parameter(default="")
    device: str = modal.parameter(default="")
    precision: str = modal.parameter(default="f16")
    startup_s: int = modal.parameter(default=600)
    cores: int = modal.parameter(default=1)
    batch_tokens: int = modal.parameter(default=BATCH_TOKENS)

    @modal.enter(snap=True)
    def import_all(self) -> None:
        """Import what shards need."""
        for module in HEAVY:
            importlib.import_module(module)
