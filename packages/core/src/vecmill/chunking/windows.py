"""Windows: chunks of a fixed number of characters, or of the model's own tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from vecmill.chunking.packing import DEFAULT_TOKENS, Fitting, apart, limit_tokens, words
from vecmill.protocols import Chunker, Options
from vecmill.protocols.component import make_prefix
from vecmill.records import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.chunking.packing import Budget, Pieces
    from vecmill.protocols import Tokenizer
    from vecmill.records import Document, ModelInfo


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


class TokensChunker(Chunker["TokensChunker.Config"]):
    """Fills each chunk with words to its last token; a word is cut only if it is too long for a chunk of its own."""

    name = "tokens"

    class Config(Options):
        """Options of ``tokens``.

        Attributes:
            max_tokens: Tokens of a chunk as embedded.
            overlap: How many of them repeat the chunk before.
        """

        max_tokens: int = Field(DEFAULT_TOKENS, gt=0)
        overlap: int = Field(0, ge=0)

        @model_validator(mode="after")
        def _moves_on(self) -> Self:
            if self.overlap >= self.max_tokens:
                raise ValueError(f"overlap ({self.overlap}) must be smaller than max_tokens ({self.max_tokens})")
            return self

    def __init__(self, config: Config, tokenizer: Tokenizer, model: ModelInfo) -> None:
        super().__init__(config, tokenizer, model)
        self._fitting = Fitting(tokenizer, limit_tokens(config.max_tokens, tokenizer, model), (words,))

    def spans(self, document: Document) -> Sequence[Span]:
        """Return the document's chunks, in order."""
        turn = self._overlapping if self.config.overlap else apart
        return self._fitting.spans(document.text, make_prefix(self, document), turn)

    def _overlapping(self, pieces: Pieces, budget: Budget, first: int, last: int) -> tuple[int, int]:
        """Begin the next chunk with the last words of this one: with ``overlap`` tokens, if another word fits then."""
        begin = max(pieces.tail(last, self.config.overlap), pieces.tail(last + 1, budget.tokens), first + 1)
        return last, begin if pieces.fit(begin, last + 1, budget) else last
