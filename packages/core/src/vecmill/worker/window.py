"""Window: the chunks that are embedded and written together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from vecmill.protocols import Tokenizer
    from vecmill.records import Document, Span


class Window:
    """Whole documents, cut in chunks: columns in the making rather than an object for each chunk.

    Attributes:
        documents: The documents, in source order.
        rows: For each document, its row in the window's source table.
        chunks: For each document, how many chunks it has.
        texts: Each chunk's text, as it is stored.
        embedded: Each chunk's text, as it is embedded: with prompt and title.
    """

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.rows: list[int] = []
        self.chunks: list[int] = []
        self.texts: list[str] = []
        self.embedded: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._tokens: list[int] = []

    def __len__(self) -> int:
        return len(self.texts)

    def add(self, document: Document, row: int, spans: Sequence[Span], prefix: str) -> None:
        """Add a document with its chunks, as ``cut`` returned them, and what stands in front of each."""
        texts = [document.text[start:end] for start, end, _ in spans]
        self.documents.append(document)
        self.rows.append(row)
        self.chunks.append(len(spans))
        self.texts += texts
        self.embedded += [prefix + text for text in texts] if prefix else texts
        self._starts += [span.start for span in spans]
        self._ends += [span.end for span in spans]
        self._tokens += [-1 if span.tokens is None else span.tokens for span in spans]

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
        """Return each chunk's tokens as embedded; counts what the chunker did not say."""
        tokens = np.array(self._tokens, np.int64)
        unknown = np.flatnonzero(tokens < 0)
        if unknown.size:
            counts = tokenizer.count([self.embedded[i] for i in unknown])
            tokens[unknown] = counts + tokenizer.special_tokens
        return tokens
