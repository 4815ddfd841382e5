"""Chunks of paragraphs, sentences and words, within a budget of the model's own tokens."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import Field

from vecmill.chunking.packing import DEFAULT_TOKENS, Budget, Fitting, limit_tokens, lines, paragraphs, sentences, words
from vecmill.protocols import Chunker, Options
from vecmill.protocols.component import fill_template, make_prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.chunking.packing import Pieces, Turn
    from vecmill.protocols import Tokenizer
    from vecmill.records import Document, ModelInfo, Span

# More short lines than this in a row are a list, not the headings of a chapter and its sections.
_MOST_HEADINGS = 3
_HEADING_CHARACTERS = 120
_UNDERLINES = "=-~*^#+`\"' \t\r\n"


class ParagraphsChunker(Chunker["ParagraphsChunker.Config"]):
    """Joins paragraphs while they fit; cuts one that does not into sentences, lines, words, in this order.

    The title is embedded with each chunk of its document. One that would take more than half of the room
    is shortened.
    """

    name = "paragraphs"

    class Config(Options):
        """Options of ``paragraphs``.

        Attributes:
            max_tokens: Tokens of a chunk as embedded.
            title: Whether the title goes in front of each chunk.
        """

        max_tokens: int = Field(DEFAULT_TOKENS, gt=0)
        title: bool = True

    def __init__(self, config: Config, tokenizer: Tokenizer, model: ModelInfo) -> None:
        super().__init__(config, tokenizer, model)
        self.template = "{title}\n\n{text}" if config.title else "{text}"
        levels = (paragraphs, sentences, lines, words)
        self._fitting = Fitting(tokenizer, limit_tokens(config.max_tokens, tokenizer, model), levels)
        self._shortened = lru_cache(maxsize=32)(self._shorten)

    def spans(self, document: Document) -> Sequence[Span]:
        """Return the document's chunks, in order."""
        return self._fitting.spans(document.text, make_prefix(self, document), _headings(document.text))

    def title(self, document: Document) -> str:
        """Return the title as it stands in front of each chunk: at most half of what a chunk has room for."""
        return self._shortened(document.title) if self.config.title else document.title

    def _shorten(self, title: str) -> str:
        if self._fits(title):
            return title
        title = title.strip()[: Budget.of(self._fitting.room("")).characters]
        for ends in ([gap.start() for gap in re.finditer(r"\s+", title)], range(1, len(title))):
            fitting = bisect_left(ends, True, key=lambda end: not self._fits(title[:end]))  # noqa: FBT003 - the key's value
            if fitting:
                return title[: ends[fitting - 1]]
        return ""

    def _fits(self, title: str) -> bool:
        prompt = self.model.prompt
        return self._fitting.room(prompt + fill_template(self.template, title)) * 2 >= self._fitting.room(prompt)


def _headings(text: str) -> Turn:
    """Return the way to end a chunk such that headings go with the text after them, if both fit."""

    def turn(pieces: Pieces, budget: Budget, first: int, last: int) -> tuple[int, int]:
        end = last
        while (
            end - 1 > first
            and pieces.fit(end - 1, last + 1, budget)
            and is_heading(text, pieces.bounds[end - 1], pieces.bounds[end])
        ):
            end -= 1
            if last - end > _MOST_HEADINGS:
                return last, last
        return end, end

    return turn


def is_heading(text: str, start: int, end: int) -> bool:
    """Return whether a part seems to be the title of what follows: one short line, underlined perhaps."""
    if end - start > 2 * _HEADING_CHARACTERS:
        return False
    line = text[start:end].rstrip(_UNDERLINES).lstrip()
    return len(line) <= _HEADING_CHARACTERS and "\n" not in line and line[-1:].isalnum()
