"""Worker: it does shard tasks, one after the other, on any machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from vecmill.concurrency import Threads
from vecmill.errors import ModelError, PluginError, VecmillError
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.records import Sent
from vecmill.redaction import redact_secrets
from vecmill.store.files import write_json
from vecmill.store.layout import Layout
from vecmill.store.reuse_index import EarlierDataset
from vecmill.worker.embedding import Embedding, EngineHealth, name_embedder_errors
from vecmill.worker.reading import Reading
from vecmill.worker.shard import Shard

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from vecmill.protocols import Embedder, Resources
    from vecmill.records import ModelInfo, Progress, Receipt, ShardTask, WorkerUpload, WorkSpec


NOTE_BYTES = 1000
"""Receipts of thousands of shards are held by one driver."""


def run_uploads(spec: WorkSpec, receipt: Receipt) -> Receipt:
    """Send a shard to every publisher that takes it from workers, and note the result in the receipt.

    An upload that fails is harmless: the shard is finished, and its publisher sends the file later.
    """
    sent: list[Sent] = []
    unsent: list[str] = []
    for upload in spec.errands:
        try:
            note = _run_upload(upload, spec, receipt)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and the shard is done
            unsent.append(
                redact_secrets(str(error) if isinstance(error, VecmillError) else f"{type(error).__name__}: {error}")
            )
        else:
            sent.append(Sent(publisher=upload.publisher.name, sha256=receipt.shard.sha256, note=note))
    return receipt.model_copy(update={"sent": tuple(sent), "unsent": tuple(unsent)})


def _run_upload(upload: WorkerUpload, spec: WorkSpec, receipt: Receipt) -> dict[str, Any]:
    publisher = build(load().registry, "publisher", upload.publisher)
    note: dict[str, Any] = publisher.send(Path(spec.directory), receipt.shard, upload.ready)
    size = len(json.dumps(note).encode())
    if size >= NOTE_BYTES:
        raise PluginError(
            f"the publisher {upload.publisher.name!r} returned a note of {size:,} bytes for a shard that it sent, and "
            f"{NOTE_BYTES:,} are too many: report it to the publisher's author"
        )
    return note


class Worker:
    """Does the tasks of one run, one after the other, and keeps the model open between them.

    The same on every machine: a runtime makes one in each process or thread, gives it tasks, and passes the receipts
    on. It is a context manager; leaving it closes the model.

    Args:
        resources: What it may use of the machine; by default all that the process may use.
    """

    def __init__(self, resources: Resources | None = None) -> None:
        self._resources = resources
        self._spec: WorkSpec | None = None
        self._embedder: Embedder[Any] | None = None
        self._health: EngineHealth | None = None
        self._earlier: tuple[tuple[str, str, int], EarlierDataset] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def do(self, task: ShardTask, report: Callable[[Progress], None] = lambda _: None) -> Receipt:
        """Do one task: when this returns, the shard, its quarantine and its receipt are on disk.

        Then the shard is sent to the publishers that take it from workers; the receipt names them.

        Args:
            task: The task.
            report: Takes progress, from any thread, after each batch; what it raises ends the attempt.

        Raises:
            VecmillError: The shard was not finished; no partial file of it stays.
        """
        _check_seal(task)
        embedder = self._open(task.spec)
        model, tokenizer = embedder.model(), embedder.tokenizer()
        _check_model(task.spec, model)
        registry = load().registry
        source = build(registry, "source", task.spec.source)
        chunker = build(registry, "chunker", task.spec.chunker, tokenizer, model)
        batching = build(registry, "batching", task.spec.batching)
        earlier = None if task.again else self._earlier_of(task.spec, model)
        shard = Shard(task, Reading(task, source, chunker), model, tokenizer, report, earlier)
        with Threads(embedder.concurrency) as threads:
            receipt = shard.run(Embedding(embedder, model, threads, self._health), batching, embedder.batch_tokens)
        return _deliver_shard(task.spec, receipt) if task.spec.errands else receipt

    def _open(self, spec: WorkSpec) -> Embedder[Any]:
        if self._embedder is None or self._spec is None or not _same_model(self._spec, spec):
            self.close()
            embedder = build(load().registry, "embedder", spec.embedder)
            if self._resources is not None:
                embedder.resources = self._resources
            with name_embedder_errors(embedder, "open()"):
                embedder.open()
            self._embedder = embedder
            self._health = EngineHealth(embedder, embedder.model())
        self._spec = spec
        return self._embedder

    def _earlier_of(self, spec: WorkSpec, model: ModelInfo) -> EarlierDataset | None:
        """Return the earlier dataset of a command, the same for all its shards: each file is checked once."""
        if spec.since is None:
            return None
        key = (spec.since, spec.directory, spec.seed)
        if self._earlier is None or self._earlier[0] != key:
            layouts = Layout(Path(spec.since)), Layout(Path(spec.directory))
            self._earlier = key, EarlierDataset(*layouts, model.output)
        return self._earlier[1]

    def close(self) -> None:
        """Close the model, if one is open."""
        if self._embedder is not None:
            self._embedder.close()
        self._embedder = self._spec = self._health = self._earlier = None


def _same_model(spec: WorkSpec, other: WorkSpec) -> bool:
    return (spec.embedder, spec.model) == (other.embedder, other.model)


def _check_seal(task: ShardTask) -> None:
    """Refuse a task that differs from what the driver sent.

    Raises:
        PluginError: It was changed on the way.
    """
    if task.sealed and task.sealed != task.digest:
        raise PluginError(
            f"the task of shard {task.index} arrived with other options or other rows than it was sent with: run "
            "again, and report it to the runtime's author if it happens again"
        )


def _check_model(spec: WorkSpec, found: ModelInfo) -> None:
    """Refuse a model that is not the run's."""
    if spec.model is None or found == spec.model:
        return
    planned, here = (_flat(model) for model in (spec.model, found))
    names = ", ".join(sorted(name for name in planned | here if planned.get(name) != here.get(name)))
    raise ModelError(
        f"the model {found.id!r} is not the one that the run began with, but differs in {names}: restore it, or run "
        "again to start another run"
    )


def _flat(model: ModelInfo) -> dict[str, Any]:
    return model.model_dump(exclude={"files"}) | model.files


def _deliver_shard(spec: WorkSpec, receipt: Receipt) -> Receipt:
    receipt = run_uploads(spec, receipt)
    layout = Layout(Path(spec.directory))
    write_json(layout, layout.receipt(receipt.index), receipt)
    return receipt
