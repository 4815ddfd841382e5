"""Shard: one partition of the source becomes one file of the dataset."""

from __future__ import annotations

import collections
import itertools
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecmill.concurrency import check_interrupt
from vecmill.records import Account, FileEntry, Progress, Receipt
from vecmill.store.files import write_json
from vecmill.store.ids import write_ids
from vecmill.store.layout import Layout
from vecmill.store.parquet import QUARANTINE, dataset_schema, large_columns, parquet_file
from vecmill.store.state import read_receipt
from vecmill.worker.reuse import FormerShard, Reuse
from vecmill.worker.window import InFlightWindow, quarantine_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from vecmill.protocols import Batching, Tokenizer
    from vecmill.records import ModelInfo, ShardTask
    from vecmill.store.reuse_index import EarlierDataset
    from vecmill.worker.embedding import Embedding
    from vecmill.worker.reading import Reading
    from vecmill.worker.window import Window

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
            for table in quarantine_tables(rejected):
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
