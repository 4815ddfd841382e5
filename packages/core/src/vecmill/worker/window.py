"""Window: the chunks that are embedded and written together."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from vecmill.protocols import Tokenizer
    from vecmill.records import Document, Span

COUNTED = 4096
"""Chunks whose tokens are counted at a time."""


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
        self._starts.extend(span.start for span in spans)
        self._ends.extend(span.end for span in spans)
        self._tokens.extend(-1 if span.tokens is None else span.tokens for span in spans)

    def text(self, chunk: int) -> str:
        """Return a chunk's text, as it is stored."""
        return self.documents[self._owner(chunk)].text[self._starts[chunk] : self._ends[chunk]]

    @property
    def embedded(self) -> Sequence[str]:
        """Each chunk's text, as it is embedded: with prompt and title."""
        return Embedded(self)

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
            tokens[some] = tokenizer.count([self.embedded[i] for i in some.tolist()]) + tokenizer.special_tokens
        return tokens

    def prefix(self, chunk: int) -> str:
        """Return what stands in front of a chunk when it is embedded."""
        return self._prefixes[self._owner(chunk)]

    def _owner(self, chunk: int) -> int:
        return bisect_right(self._firsts, chunk) - 1


class Embedded(Sequence[str]):
    """A window's chunks as they are embedded, made one by one."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def __len__(self) -> int:
        return len(self._window)

    @overload
    def __getitem__(self, chunk: int) -> str: ...
    @overload
    def __getitem__(self, chunk: slice) -> list[str]: ...
    def __getitem__(self, chunk: int | slice) -> str | list[str]:
        if isinstance(chunk, slice):
            return [self[i] for i in range(*chunk.indices(len(self)))]
        number = range(len(self))[chunk]
        return self._window.prefix(number) + self._window.text(number)
