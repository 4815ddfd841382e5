"""Flight: a window on its way from text to rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vecmill.records import Account
from vecmill.worker.output import shard_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt
    import pyarrow as pa

    from vecmill.protocols import Batching, Tokenizer
    from vecmill.records import Document
    from vecmill.worker.embedding import Embedding, Pending
    from vecmill.worker.reuse import Check, Known
    from vecmill.worker.window import Window


class Flight:
    """A window, the count of its tokens, and which of its documents are still good.

    A document is judged whole: one chunk that cannot be embedded takes all its others with it.
    """

    def __init__(self, window: Window, source: pa.Table, tokenizer: Tokenizer, limit: int) -> None:
        self._window = window
        self._source = source
        self._tokens = window.tokens(tokenizer)
        self._good = np.ones(len(window.documents), np.bool_)
        self._seen = np.minimum(self._tokens, limit)
        self._limit = limit
        self._pending: Pending | None = None
        self._check: Check | None = None
        self._known: Known | None = None
        self._again: Pending | None = None

    def refuse_long(self, reject: Callable[[Document, str, str], None]) -> None:
        """Set aside documents with a chunk over the model's limit."""
        advice = f"tokens, and the model takes {self._limit}: use smaller chunks, or set truncate = true"
        long = np.flatnonzero(self._tokens > self._limit)
        self._refuse({int(chunk): f"{self._tokens[chunk]} {advice}" for chunk in long}, "too long", reject)

    @property
    def tokens(self) -> int:
        """Tokens of the chunks that are still good."""
        return int(self._seen[self._wanted()].sum())

    def reuse(self, known: Known, check: Check | None = None) -> None:
        """Take these vectors for these chunks instead of embedding them.

        Args:
            known: The chunks; those in its sample are embedded all the same.
            check: Told of the sample's vectors.
        """
        self._known, self._check = known, check

    @property
    def reused(self) -> int:
        """Chunks of good documents that are not embedded."""
        return int(self._wanted()[self._known.chunks].sum()) if self._known else 0

    def submit(
        self, embedding: Embedding, batching: Batching[Any], batch_tokens: int, done: Callable[[int, int], None]
    ) -> None:
        """Send the good chunks to the engine; ``done`` is told the chunks and tokens of each finished batch."""
        wanted = self._wanted()
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
        """Embed the sample of the reused chunks, in batches of its own: those of the others stay as they are."""
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

    def land(self, reject: Callable[[Document, str, str], None]) -> tuple[Iterator[pa.Table], Account]:
        """Wait for the vectors; return the rows, a row group at a time, and what they account for."""
        assert self._pending is not None  # noqa: S101 - submit comes before land
        vectors, failed = self._pending.result()
        if self._known is not None and self._again is not None:
            again = self._again.result()
            if self._check is not None:
                self._check(self._known, self._window, *again)
            vectors[self._known.chunks] = self._known.vectors
        self._refuse(failed, "not embedded", reject)
        tables = shard_tables(self._window, self._source, self._seen, vectors, self._good)
        return tables, self._account()

    def _wanted(self) -> npt.NDArray[np.bool_]:
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
        chunks = self._wanted()
        return Account(
            documents_embedded=int(self._good.sum()),
            chunks=int(chunks.sum()),
            characters=int((self._window.ends - self._window.starts)[chunks].sum()),
            tokens=int(self._seen[chunks].sum()),
            truncated_chunks=int((self._tokens[chunks] > self._limit).sum()),
        )
