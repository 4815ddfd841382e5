"""Chunks of a fixed number of characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from vecmill.protocols import Chunker, Options
from vecmill.records import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.records import Document


class CharactersChunker(Chunker["CharactersChunker.Config"]):
    """Cuts every ``size`` characters, wherever that is. Blank chunks carry no text and are left out."""

    name = "characters"

    class Config(Options):
        """Options of ``characters``.

        Attributes:
            size: Characters of a chunk.
            overlap: How many of them repeat the chunk before.
        """

        size: int = Field(400, gt=0)
        overlap: int = Field(0, ge=0)

        @model_validator(mode="after")
        def _moves_on(self) -> Self:
            if self.overlap >= self.size:
                raise ValueError(f"overlap ({self.overlap}) must be smaller than size ({self.size})")
            return self

    def spans(self, document: Document) -> Sequence[Span]:
        """Return the document's chunks, in order."""
        text, size, overlap = document.text, self.config.size, self.config.overlap
        starts = range(0, max(len(text) - overlap, 1), size - overlap)
        slices = ((start, text[start : start + size]) for start in starts)
        return [Span(start, start + len(chunk)) for start, chunk in slices if chunk.strip()]
