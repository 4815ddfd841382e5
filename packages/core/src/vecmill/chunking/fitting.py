"""Fitting chunks to a model's limit, by exact counts of the text as it is embedded."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from vecmill.chunking.cutting import Cutting
from vecmill.chunking.pieces import Budget, apart, groups
from vecmill.protocols.tokenizer import SEPARATORS
from vecmill.records import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.chunking.cuts import Cutter
    from vecmill.chunking.pieces import Turn
    from vecmill.protocols import Tokenizer


class Fitting:
    """Finds chunks of which none has more than ``limit`` tokens, prefix and special tokens included.

    Where counts add up, the chunks are right by construction. Where they need not (the model joins across
    whitespace, or a word had to be cut), each chunk is counted as a whole, and cut again if it is too long.
    """

    def __init__(self, tokenizer: Tokenizer, limit: int, levels: Sequence[Cutter]) -> None:
        self._tokenizer = tokenizer
        self._limit = limit
        self._levels = levels
        self.overhead = lru_cache(maxsize=32)(self._overhead)

    def room(self, prefix: str) -> int:
        """Return how many tokens are left for text behind this prefix."""
        return self._limit - self.overhead(prefix)

    def spans(self, text: str, prefix: str, turn: Turn = apart) -> list[Span]:
        """Return the chunks of ``text``, trimmed, in order."""
        return self._within(self.room(prefix), text, prefix, turn)

    def _overhead(self, prefix: str) -> int:
        return int(self._tokenizer.count([prefix])[0]) + self._tokenizer.special_tokens

    def _within(self, tokens: int, text: str, prefix: str, turn: Turn) -> list[Span]:
        budget = Budget.of(tokens)
        cutting = Cutting(text, self._tokenizer, budget, self._levels)
        overhead = self.overhead(prefix)
        spans = [
            span
            for start, end, count in groups(cutting.blocks(), budget, turn)
            if (span := _trimmed(text, start, end, count + overhead))
        ]
        if self._tokenizer.additive and cutting.clean and prefix[-1:] in {"", *SEPARATORS}:
            return self._settled(tokens, text, prefix, spans)
        return self._settled(tokens, text, prefix, [Span(start, end) for start, end, _ in spans])

    def _settled(self, budget: int, text: str, prefix: str, spans: list[Span]) -> list[Span]:
        """Return the spans, counted if they were not, and cut smaller if they are too long."""
        unknown = [prefix + text[start:end] for start, end, tokens in spans if tokens is None]
        if not unknown:
            return spans
        counts = iter((self._tokenizer.count(unknown) + self._tokenizer.special_tokens).tolist())
        counted = [span._replace(tokens=next(counts)) if span.tokens is None else span for span in spans]
        # Where chunks overlap, a part that begins after the next chunk does is a part of that one, too.
        following = [*(span.start for span in counted[1:]), len(text)]
        return [
            part
            for span, end in zip(counted, following, strict=True)
            for part in self._within_limit(budget, text, prefix, span)
            if part.start < end
        ]

    def _within_limit(self, budget: int, text: str, prefix: str, span: Span) -> list[Span]:
        start, end, tokens = span
        if tokens is None or tokens <= self._limit or budget == 1:
            return [span]
        parts = self._within(budget // 2, text[start:end], prefix, apart)
        return [Span(start + first, start + last, exact) for first, last, exact in parts]


def _trimmed(text: str, start: int, end: int, tokens: int) -> Span | None:
    """Return the span without whitespace at its ends, or nothing if that is all there is.

    Unusual whitespace may have tokens of its own; where it was trimmed, the tokens are unknown.
    """
    bare = text[start:end].rstrip(SEPARATORS)
    if bare and not bare[0].isspace() and not bare[-1].isspace():
        return Span(start, start + len(bare), tokens)
    trimmed = bare.strip()
    usual = len(bare.lstrip(SEPARATORS)) == len(trimmed)
    start += len(bare) - len(bare.lstrip())
    return Span(start, start + len(trimmed), tokens if usual else None) if trimmed else None
