"""Window: the chunks that are embedded and written together."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from vecmill.protocols import Tokenizer
    from vecmill.records import Document, Span

COUNTED = 4096
"""Chunks whose texts are cut out at a time, to be counted or measured."""


class Window:
    """Whole documents, and where they are cut: each chunk's text is cut out of its document when it is asked for.

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
        """Add a document with its chunks, as ``cut`` returned them, and what stands in front of each."""
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
        """Return each chunk's tokens as embedded; counts what the chunker did not say."""
        tokens = np.array(self._tokens, np.int64)
        unknown = np.flatnonzero(tokens < 0)
        for first in range(0, len(unknown), COUNTED):
            some = unknown[first : first + COUNTED]
            tokens[some] = tokenizer.count(self.embedded_texts(some)) + tokenizer.special_tokens
        return tokens

    def _owners(self, chunks: npt.NDArray[np.int64]) -> list[int]:
        owners: list[int] = (np.searchsorted(self._firsts, chunks, side="right") - 1).tolist()
        return owners
