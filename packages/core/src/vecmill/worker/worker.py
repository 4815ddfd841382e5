"""Worker: it does shard tasks, one after the other, on any machine; a shard is one file of the dataset."""

from __future__ import annotations

import collections
import itertools
import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from vecmill.concurrency import Threads, check_interrupt
from vecmill.errors import ModelError, PluginError, VecmillError, describe_error
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.records import Account, FileEntry, Progress, Receipt, Sent
from vecmill.sanitize import redact_secrets
from vecmill.store.files import write_json
from vecmill.store.layout import Layout
from vecmill.store.parquet import QUARANTINE, dataset_schema, large_columns, parquet_file
from vecmill.store.reuse_index import EarlierDataset
from vecmill.store.state import read_receipt, write_ids
from vecmill.worker.embedding import Embedding, EngineHealth, name_embedder_errors
from vecmill.worker.reading import Reading
from vecmill.worker.reuse import FormerShard, Reuse
from vecmill.worker.window import InFlightWindow, build_quarantine_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    import pyarrow as pa

    from vecmill.protocols import Batching, Embedder, Resources, Tokenizer
    from vecmill.records import ModelInfo, ShardTask, WorkerUpload, WorkSpec
    from vecmill.worker.window import Window


NOTE_BYTES = 1000
"""Receipts of thousands of shards are held by one driver."""


def run_uploads(spec: WorkSpec, receipt: Receipt) -> Receipt:
    """Send a shard to every publisher that takes it from workers, and note the result in the receipt.

    An upload that fails is harmless: the shard is finished, and its publisher sends the file later.
    """
    sent: list[Sent] = []
    unsent: list[str] = []
    for upload in spec.uploads:
        try:
            note = _run_upload(upload, spec, receipt)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and the shard is done
            unsent.append(redact_secrets(str(error) if isinstance(error, VecmillError) else describe_error(error)))
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
        return _deliver_shard(task.spec, receipt) if task.spec.uploads else receipt

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
    planned, here = (_flatten_model(model) for model in (spec.model, found))
    names = ", ".join(sorted(name for name in planned | here if planned.get(name) != here.get(name)))
    raise ModelError(
        f"the model {found.id!r} is not the one that the run began with, but differs in {names}: restore it, or run "
        "again to start another run"
    )


def _flatten_model(model: ModelInfo) -> dict[str, Any]:
    return model.model_dump(exclude={"files"}) | model.files


def _deliver_shard(spec: WorkSpec, receipt: Receipt) -> Receipt:
    receipt = run_uploads(spec, receipt)
    layout = Layout(Path(spec.directory))
    write_json(layout, layout.receipt(receipt.index), receipt)
    return receipt


IN_FLIGHT = 2
"""Windows in the engine at once: while one is embedded the next one is read, so the engine never waits."""


class Shard:
    """One attempt at one shard task."""

    def __init__(
        self,
        task: ShardTask,
        reading: Reading,
        model: ModelInfo,
        tokenizer: Tokenizer,
        report: Callable[[Progress], None],
        earlier: EarlierDataset | None = None,
    ) -> None:
        self._task = task
        self._reading = reading
        self._model = model
        self._tokenizer = tokenizer
        self._report = report
        self._layout = Layout(Path(task.spec.directory))
        self._former = FormerShard(self._layout.shard(task.index, task.count), model) if task.again else None
        self._reuse = Reuse(earlier, task, model) if earlier is not None and not task.again else None
        self._reused = 0
        self._account = Account()
        self._done = [0, 0]
        self._sent = Progress(task.index)
        self._lock = threading.Lock()

    def run(self, embedding: Embedding, batching: Batching[Any], batch_tokens: int) -> Receipt:
        """Read, embed, check and write; when this returns, the receipt is on disk."""
        began = time.perf_counter()
        before = read_receipt(self._layout, self._task.spec.run_id, self._task.index) if self._former else None
        shard = self._write(
            self._layout.shard(self._task.index, self._task.count), self._tables(embedding, batching, batch_tokens)
        )
        receipt = Receipt(
            run_id=self._task.spec.run_id,
            index=self._task.index,
            partition=self._task.partition.digest,
            task=self._task.digest,
            shard=shard,
            quarantine=self._write_quarantine(),
            account=self._account + self._reading.account(),
            reasons=self._reading.reasons(),
            reused_chunks=before.reused_chunks if before else self._reused,
            reused_from=before.reused_from if before else self._reuse.run_id if self._reuse else "",
            reused_shards=before.reused_shards if before else self._reuse.shards if self._reuse else "",
            seconds=time.perf_counter() - began,
            duplicates=self._task.duplicates,
        )
        write_ids(self._layout, self._task.index, self._reading.ids)
        write_json(self._layout, self._layout.receipt(self._task.index), receipt)
        return receipt

    def _write(self, target: Path, tables: Iterator[pa.Table]) -> FileEntry:
        extra = self._reading.extra.fields
        first = list(itertools.islice(tables, 1))
        large = large_columns(first[0], ["title", "url", *(field.name for field in extra)]) if first else []
        schema = dataset_schema(self._model.outputs, extra)
        with parquet_file(self._layout, target, schema, large) as parquet:
            while first:
                check_interrupt()
                parquet.write_group(first.pop())
                first += itertools.islice(tables, 1)
        return parquet.file_entry()

    def _write_quarantine(self) -> FileEntry | None:
        rejected = self._reading.in_order()
        target = self._layout.shard_quarantine(self._task.index)
        if not rejected:
            target.unlink(missing_ok=True)
            return None
        with parquet_file(self._layout, target, QUARANTINE) as parquet:
            for table in build_quarantine_tables(rejected):
                parquet.write_group(table)
        return parquet.file_entry()

    def _tables(self, embedding: Embedding, batching: Batching[Any], batch_tokens: int) -> Iterator[pa.Table]:
        in_flight: collections.deque[InFlightWindow] = collections.deque()
        for window, source in self._reading.windows():
            started = self._submit(window, source, embedding)
            started.submit(embedding, batching, batch_tokens, self._progress)
            in_flight.append(started)
            if len(in_flight) == IN_FLIGHT:
                yield from self._collect(in_flight.popleft())
        while in_flight:
            yield from self._collect(in_flight.popleft())
        embedding.confirm()

    def _submit(self, window: Window, source: pa.Table, embedding: Embedding) -> InFlightWindow:
        started = InFlightWindow(window, source, self._tokenizer, self._model)
        if not self._task.spec.truncate:
            started.refuse_long(self._reading.reject)
        if self._former is not None:
            known = self._former.find_known(window)
            if known.chunks.size:
                longest = known.chunks[[(window.ends - window.starts)[known.chunks].argmax()]]
                embedding.remember(window.embedded_texts(longest)[0])
            started.reuse(known)
        elif self._reuse is not None:
            started.reuse(self._reuse.find_known(window), self._reuse.check)
        tokens = self._sent.tokens + started.tokens
        self._sent = Progress(self._task.index, self._reading.documents_in, tokens=tokens, bytes=self._reading.bytes_in)
        return started

    def _collect(self, window: InFlightWindow) -> Iterator[pa.Table]:
        tables, account = window.collect(self._reading.reject)
        self._account += account
        self._reused += window.reused if self._reuse else 0
        return tables

    def _progress(self, chunks: int, tokens: int) -> None:
        with self._lock:
            self._done[0] += chunks
            self._done[1] += tokens
            sent = self._sent
            # Windows are read ahead of the engine, so the embedded share of what was read is reported.
            share = self._done[1] / max(1, sent.tokens)
            done = Progress(
                self._task.index, int(sent.documents * share), self._done[0], self._done[1], int(sent.bytes * share)
            )
        self._report(done)
