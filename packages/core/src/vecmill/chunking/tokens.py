"""Windows of the model's own tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.chunking.boundaries import apart, words
from vecmill.chunking.limits import limit, prefix
from vecmill.protocols import Chunker, later

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.chunking.boundaries import Budget, Pieces
    from vecmill.chunking.options import TokensOptions
    from vecmill.protocols import Tokenizer
    from vecmill.records import Document, ModelInfo, Span


class TokensChunker(Chunker["TokensOptions"]):
    """Fills each chunk with words to its last token; a word is cut only if it is too long for a chunk of its own."""

    name = "tokens"
    Config = later("vecmill.chunking.options:TokensOptions")

    def __init__(self, config: TokensOptions, tokenizer: Tokenizer, model: ModelInfo) -> None:
        from vecmill.chunking.packing import Fitting

        super().__init__(config, tokenizer, model)
        self._fitting = Fitting(tokenizer, limit(config.max_tokens, tokenizer, model), (words,))

    def spans(self, document: Document) -> Sequence[Span]:
        """Return the document's chunks, in order."""
        turn = self._overlapping if self.config.overlap else apart
        return self._fitting.spans(document.text, prefix(self, document), turn)

    def _overlapping(self, pieces: Pieces, budget: Budget, first: int, last: int) -> tuple[int, int]:
        """Begin the next chunk with the last words of this one: with ``overlap`` tokens, if another word fits then."""
        begin = max(pieces.tail(last, self.config.overlap), pieces.tail(last + 1, budget.tokens), first + 1)
        return last, begin if pieces.fit(begin, last + 1, budget) else last
