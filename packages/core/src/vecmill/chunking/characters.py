"""Chunks of a fixed number of characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.protocols import Chunker, later

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.chunking.options import CharactersOptions
    from vecmill.records import Document, Span


class CharactersChunker(Chunker["CharactersOptions"]):
    """Cuts every ``size`` characters, wherever that is. Blank chunks carry no text and are left out."""

    name = "characters"
    Config = later("vecmill.chunking.options:CharactersOptions")

    def spans(self, document: Document) -> Sequence[Span]:
        """Return the document's chunks, in order."""
        from vecmill.records import Span

        text, size, overlap = document.text, self.config.size, self.config.overlap
        starts = range(0, max(len(text) - overlap, 1), size - overlap)
        slices = ((start, text[start : start + size]) for start in starts)
        return [Span(start, start + len(chunk)) for start, chunk in slices if chunk.strip()]
