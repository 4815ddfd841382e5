"""Reading: a partition becomes windows of chunks, and a list of what was set aside."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

import pyarrow as pa

from vecmill.chunking.render import check_prefix, prefix
from vecmill.errors import SourceError
from vecmill.records import Account, Document
from vecmill.sources.batches import row_bytes
from vecmill.sources.corpus import Corpus
from vecmill.worker.kept import Kept
from vecmill.worker.output import utf8_bytes
from vecmill.worker.rows import Rejected, documents
from vecmill.worker.spans import cut
from vecmill.worker.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from vecmill.protocols import Chunker, Source
    from vecmill.records import ShardTask

WINDOW_CHUNKS = 8192
"""Chunks sorted, embedded and written together: enough to sort by length, few enough to hold two in memory."""
WINDOW_BYTES = 400_000_000
"""Text and columns carried along, of the rows read for a window: as much as so many chunks of the longest models."""


class Reading:
    """One pass over a partition.

    Attributes:
        documents_in: Documents read so far.
        bytes_in: About how many bytes of text they were.
        kept: The columns carried along.
        ids: The ids of the documents that were read without fault, with their place in the partition.
    """

    def __init__(self, task: ShardTask, source: Source[Any], chunker: Chunker[Any]) -> None:
        self._task = task
        self.kept = Kept(task)
        self._corpus = Corpus(source)
        self._chunker = chunker
        self._duplicates = frozenset(task.duplicates)
        self.documents_in = 0
        self.bytes_in = 0
        self._rejected: list[tuple[int, Rejected]] = []
        self._shortened_titles = 0
        self.ids: dict[str, int] = {}

    def windows(self) -> Iterator[tuple[Window, pa.Table]]:
        """Yield windows of whole documents, each with the columns to carry along of the rows it was cut from.

        Raises:
            SourceError: The partition holds other columns, or another number of documents, than was planned.
            ReadError: The source failed, and does not say why.
        """
        window, tables, base, size = Window(), list[pa.RecordBatch](), 0, 0
        for batch in self._corpus.read(self._task.partition):
            kept = self.kept.of(batch)
            tables.append(kept)
            sizes = row_bytes(kept).tolist()
            for row, item in enumerate(documents(batch, self._chunker.tokenizer)):
                size += sizes[row] + self._take(window, base + row, item)
                if len(window) >= WINDOW_CHUNKS or size >= WINDOW_BYTES:
                    if window.documents:
                        yield window, pa.Table.from_batches(tables)
                    window, tables, base, size = Window(), [kept], 0, 0
            base += batch.num_rows
        if window.documents:
            yield window, pa.Table.from_batches(tables)
        self._check_count()

    def account(self) -> Account:
        """Return what reading alone accounts for."""
        return Account(
            documents_in=self.documents_in,
            documents_quarantined=len(self._rejected),
            shortened_titles=self._shortened_titles,
        )

    def in_order(self) -> list[Rejected]:
        """Return what was set aside, in the order of the source."""
        return [row for _, row in sorted(self._rejected, key=lambda item: item[0])]

    def reasons(self) -> dict[str, int]:
        """Count what was set aside by reason."""
        return dict(sorted(collections.Counter(row.reason for _, row in self._rejected).items()))

    def reject(self, document: Document, reason: str, detail: str) -> None:
        """Set aside a document that was read."""
        self._rejected.append((self.ids[document.id], _rejected(document, reason, detail)))

    def _take(self, window: Window, row: int, item: Document | Rejected) -> int:
        """Put a document into the window, or set it aside; return the bytes of text that the window holds for it."""
        place = self.documents_in
        self.documents_in += 1
        if isinstance(item, Rejected):
            self._rejected.append((place, item))
        elif item.id in self.ids or item.id in self._duplicates:
            detail = f"an earlier document has the id {item.id!r} already"
            self._rejected.append((place, _rejected(item, "duplicate id", detail)))
        else:
            self.ids[item.id] = place
            size = utf8_bytes(item.text)
            self.bytes_in += size
            if self._task.spec.since is not None:
                check_prefix(self._chunker, item)
            window.add(item, row, cut(self._chunker, item), prefix(self._chunker, item))
            self._shortened_titles += self._chunker.title(item) != item.title
            return size
        return 0

    def _check_count(self) -> None:
        planned = self._task.partition.documents
        if planned is not None and planned != self.documents_in:
            raise SourceError(
                f"shard {self._task.index} was planned with {planned} documents, and {self.documents_in} were read: "
                "the source has changed since the run began; run again to plan anew"
            )


def _rejected(document: Document, reason: str, detail: str) -> Rejected:
    return Rejected(reason, detail, document.id, document.url, document.title, document.text)
