"""Window: the chunks that are embedded and written together, from text to rows."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from vecmill.records import Account
from vecmill.sources.batches import row_bytes
from vecmill.store.parquet import QUARANTINE, dataset_schema, row_groups
from vecmill.store.vectors import to_column, vector_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy.typing as npt

    from vecmill.protocols import Batching, Tokenizer
    from vecmill.records import Document, ModelInfo, Output, Span
    from vecmill.worker.embedding import Embedding, Pending
    from vecmill.worker.reading import Rejected
    from vecmill.worker.reuse import Check, Known


COUNTED = 4096
"""Chunks whose texts are cut out at a time, to be counted or measured."""


class Window:
    """Complete documents, and where they are cut: a chunk's text is cut out of its document when it is needed.

    Attributes:
        documents: The documents, in source order.
        rows: For each document, its row in the window's source table.
        chunks: For each document, how many chunks it has.
    """

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.rows: list[int] = []
        self.chunks: list[int] = []
        self._prefixes: list[str] = []
        self._firsts: list[int] = []
        self._starts = array("q")
        self._ends = array("q")
        self._tokens = array("q")

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, document: Document, row: int, spans: Sequence[Span], prefix: str) -> None:
        """Add a document with its chunks, as ``cut`` returned them, and their prefix."""
        self.documents.append(document)
        self.rows.append(row)
        self.chunks.append(len(spans))
        self._prefixes.append(prefix)
        self._firsts.append(len(self))
        if spans:
            starts, ends, tokens = zip(*spans, strict=True)
            self._starts.extend(starts)
            self._ends.extend(ends)
            self._tokens.extend([-1 if count is None else count for count in tokens])

    def texts(self, chunks: npt.NDArray[np.int64]) -> list[str]:
        """Return the texts of these chunks, as they are stored."""
        documents, starts, ends = self.documents, self._starts, self._ends
        pairs = zip(self._owners(chunks), chunks.tolist(), strict=True)
        return [documents[owner].text[starts[chunk] : ends[chunk]] for owner, chunk in pairs]

    def embedded_texts(self, chunks: npt.NDArray[np.int64]) -> list[str]:
        """Return the texts of these chunks, as they are embedded: with prompt and title."""
        prefixes = self._prefixes
        pairs = zip(self._owners(chunks), self.texts(chunks), strict=True)
        return [prefixes[owner] + text for owner, text in pairs]

    def text_bytes(self) -> npt.NDArray[np.int64]:
        """Return how many bytes of UTF-8 each chunk's text takes."""
        sizes = self.ends - self.starts
        plain = np.array([document.text.isascii() for document in self.documents], np.bool_)
        others = np.flatnonzero(~plain[self.owners])
        for first in range(0, len(others), COUNTED):
            some = others[first : first + COUNTED]
            sizes[some] = [len(text.encode()) for text in self.texts(some)]
        return sizes

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """First character of each chunk in its document."""
        return np.array(self._starts, np.int64)

    @property
    def ends(self) -> npt.NDArray[np.int64]:
        """One past the last character of each chunk."""
        return np.array(self._ends, np.int64)

    @property
    def owners(self) -> npt.NDArray[np.int64]:
        """For each chunk, the position of its document in ``documents``."""
        return np.repeat(np.arange(len(self.chunks)), self.chunks)

    @property
    def chunk_index(self) -> npt.NDArray[np.int64]:
        """For each chunk, its number in its document, from 0."""
        counts = np.array(self.chunks, np.int64)
        return np.arange(len(self)) - np.repeat(np.cumsum(counts) - counts, counts)

    def tokens(self, tokenizer: Tokenizer) -> npt.NDArray[np.int64]:
        """Return each chunk's tokens as embedded; counts them where the chunker did not."""
        tokens = np.array(self._tokens, np.int64)
        unknown = np.flatnonzero(tokens < 0)
        for first in range(0, len(unknown), COUNTED):
            some = unknown[first : first + COUNTED]
            tokens[some] = tokenizer.count(self.embedded_texts(some)) + tokenizer.special_tokens
        return tokens

    def _owners(self, chunks: npt.NDArray[np.int64]) -> list[int]:
        owners: list[int] = (np.searchsorted(self._firsts, chunks, side="right") - 1).tolist()
        return owners


PIECE = 1 << 20
"""Characters of a text that are encoded at a time, to count their bytes."""
NUMBERS = 40
"""Bytes of a row's numbers: chunk_index, start, end and tokens, and where its four strings end."""


def build_shard_tables(
    window: Window,
    source: pa.Table,
    tokens: npt.NDArray[np.int64],
    vectors: npt.NDArray[np.float32],
    good: npt.NDArray[np.bool_],
    output: Output,
) -> Iterator[pa.Table]:
    """Build the rows of a window, a row group at a time; a document's values are repeated in each of its rows.

    Args:
        window: The chunks.
        source: The extra columns, of the window's source rows.
        tokens: Tokens of each chunk.
        vectors: One for each chunk.
        good: Which documents to write.
        output: What the vectors are.
    """
    owners = window.owners
    chunks = np.flatnonzero(good[owners])
    sizes = _measure_documents(window, source)[owners[chunks]] + window.text_bytes()[chunks]
    numbers = NUMBERS + vector_bytes(output) + source.num_columns / 8  # a bit says what is null
    for group in row_groups(sizes + numbers):
        yield _build_table(window, source, tokens, vectors, chunks[group], output)


def build_quarantine_tables(rejected: Iterable[Rejected]) -> Iterator[pa.Table]:
    """Build the rows of quarantined documents, a row group at a time."""
    rows = list(rejected)
    sizes = [sum(count_utf8_bytes(getattr(row, field.name) or "") for field in QUARANTINE) for row in rows]
    for group in row_groups(np.array(sizes, np.int64)):
        yield pa.table(
            [pa.array([getattr(row, field.name) for row in rows[group]], field.type) for field in QUARANTINE],
            schema=QUARANTINE,
        )


def count_utf8_bytes(text: str) -> int:
    """Return how many bytes a text takes in UTF-8, without a copy of it."""
    if text.isascii():
        return len(text)
    return sum(len(text[start : start + PIECE].encode()) for start in range(0, len(text), PIECE))


def _build_table(
    window: Window,
    source: pa.Table,
    tokens: npt.NDArray[np.int64],
    vectors: npt.NDArray[np.float32],
    chunks: npt.NDArray[np.int64],
    output: Output,
) -> pa.Table:
    owners = window.owners[chunks]
    documents = [window.documents[owner] for owner in owners.tolist()]
    schema = dataset_schema((output,), source.schema)
    extra = _take_rows(source, np.array(window.rows, np.int64)[owners])
    columns = {
        "id": pa.array([document.id for document in documents], pa.string()),
        "url": pa.array([document.url for document in documents], pa.string()),
        "title": pa.array([document.title for document in documents], pa.string()),
        "chunk_index": pa.array(window.chunk_index[chunks].astype(np.int32)),
        "start": pa.array(window.starts[chunks]),
        "end": pa.array(window.ends[chunks]),
        "text": pa.array(window.texts(chunks), pa.string()),
        "tokens": pa.array(tokens[chunks].astype(np.int32)),
        output.name: to_column(vectors[chunks], output),
    }
    columns |= dict(zip(extra.schema.names, extra.columns, strict=True))
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _take_rows(source: pa.Table, rows: npt.NDArray[np.int64]) -> pa.Table:
    """Take ascending rows, some of them many times; only the rows between the first and the last are joined."""
    return (
        source.slice(rows[0], rows[-1] - rows[0] + 1).take(pa.array(rows - rows[0])) if source.num_columns else source
    )


def _measure_documents(window: Window, source: pa.Table) -> npt.NDArray[np.int64]:
    """Return, for each document, the bytes of the values that all its rows share."""
    extra = np.concatenate([np.empty(0, np.int64), *map(row_bytes, source.to_batches())])
    strings = np.array([_measure_strings(document) for document in window.documents], np.int64)
    return strings + (extra[window.rows] if source.num_columns else 0)


def _measure_strings(document: Document) -> int:
    return count_utf8_bytes(document.id) + count_utf8_bytes(document.url) + count_utf8_bytes(document.title)


class InFlightWindow:
    """A window, the count of its tokens, and which of its documents are still good.

    A document is embedded completely or not at all: one failed chunk rejects all its chunks.
    """

    def __init__(self, window: Window, source: pa.Table, tokenizer: Tokenizer, model: ModelInfo) -> None:
        self._window = window
        self._source = source
        self._tokens = window.tokens(tokenizer)
        self._good = np.ones(len(window.documents), np.bool_)
        self._seen = np.minimum(self._tokens, model.max_tokens)
        self._limit = model.max_tokens
        self._output = model.output
        self._pending: Pending | None = None
        self._check: Check | None = None
        self._known: Known | None = None
        self._again: Pending | None = None

    def refuse_long(self, reject: Callable[[Document, str, str], None]) -> None:
        """Reject documents with a chunk over the model's limit."""
        advice = f"tokens, and the model takes {self._limit}: use smaller chunks, or set truncate = true"
        long = np.flatnonzero(self._tokens > self._limit)
        self._refuse({int(chunk): f"{self._tokens[chunk]} {advice}" for chunk in long}, "too long", reject)

    @property
    def tokens(self) -> int:
        """Tokens of the chunks that are still good."""
        return int(self._seen[self._wanted_mask()].sum())

    def reuse(self, known: Known, check: Check | None = None) -> None:
        """Take these vectors for these chunks instead of embedding them.

        Args:
            known: The chunks; those in its sample are embedded all the same.
            check: Called with the sample's vectors.
        """
        self._known, self._check = known, check

    @property
    def reused(self) -> int:
        """Chunks of good documents that are not embedded."""
        return int(self._wanted_mask()[self._known.chunks].sum()) if self._known else 0

    def submit(
        self, embedding: Embedding, batching: Batching[Any], batch_tokens: int, done: Callable[[int, int], None]
    ) -> None:
        """Send the good chunks to the engine; ``done`` is called with the chunks and tokens of each finished batch."""
        wanted = self._wanted_mask()
        if self._known is not None:
            wanted[self._known.chunks] = False
            done(len(self._known.chunks), int(self._seen[self._known.chunks].sum()))
        chunks = np.flatnonzero(wanted)
        batches = self._batches(chunks, batching, batch_tokens)
        self._pending = embedding.submit(
            self._window.embedded_texts,
            len(self._window),
            batches,
            lambda batch: done(len(batch), int(self._seen[batch].sum())),
        )
        if self._known is not None:
            self._again = self._embed_sample(embedding, batching, batch_tokens, self._known)

    def _embed_sample(self, embedding: Embedding, batching: Batching[Any], batch_tokens: int, known: Known) -> Pending:
        """Embed the sample of the reused chunks, in separate batches: the other batches stay as they are."""
        sample = known.chunks[known.sample]
        return embedding.submit(
            lambda batch: self._window.embedded_texts(sample[batch]),
            len(sample),
            batching.batches(self._seen[sample], batch_tokens),
            lambda _: None,
        )

    def _batches(
        self, chunks: npt.NDArray[np.int64], batching: Batching[Any], batch_tokens: int
    ) -> Iterator[npt.NDArray[np.int64]]:
        return (chunks[batch] for batch in batching.batches(self._seen[chunks], batch_tokens))

    def collect(self, reject: Callable[[Document, str, str], None]) -> tuple[Iterator[pa.Table], Account]:
        """Wait for the vectors; return the rows, a row group at a time, and their account."""
        assert self._pending is not None  # noqa: S101 - submit comes before collect
        vectors, failed = self._pending.result()
        if self._known is not None and self._again is not None:
            again = self._again.result()
            if self._check is not None:
                self._check(self._known, self._window, *again)
            vectors[self._known.chunks] = self._known.vectors
        self._refuse(failed, "not embedded", reject)
        tables = build_shard_tables(self._window, self._source, self._seen, vectors, self._good, self._output)
        return tables, self._account()

    def _wanted_mask(self) -> npt.NDArray[np.bool_]:
        """Return which chunks are of good documents."""
        wanted: npt.NDArray[np.bool_] = self._good[self._window.owners]
        return wanted

    def _refuse(self, faults: dict[int, str], reason: str, reject: Callable[[Document, str, str], None]) -> None:
        owners, numbers = self._window.owners, self._window.chunk_index
        for chunk, fault in sorted(faults.items()):
            owner = owners[chunk]
            if self._good[owner]:
                self._good[owner] = False
                reject(self._window.documents[owner], reason, f"chunk {numbers[chunk]}: {fault}")

    def _account(self) -> Account:
        chunks = self._wanted_mask()
        return Account(
            documents_embedded=int(self._good.sum()),
            chunks=int(chunks.sum()),
            characters=int((self._window.ends - self._window.starts)[chunks].sum()),
            tokens=int(self._seen[chunks].sum()),
            truncated_chunks=int((self._tokens[chunks] > self._limit).sum()),
        )
