"""Packing: a text is cut as coarsely as a budget of tokens allows, and pieces are joined into chunks."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING

from vecmill.chunking.boundaries import ALWAYS_CLEAN, Budget, Pieces, apart, are_clean, blocks, groups
from vecmill.protocols.tokenizer import SEPARATORS
from vecmill.records import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vecmill.chunking.boundaries import Cutter, Turn
    from vecmill.protocols import Tokenizer


# A part this long for its budget is cut without counting it first: finer pieces are joined again where they fit.
_LIKELY_CHARACTERS_PER_TOKEN = 3


class Cutting:
    """Cuts one text into pieces within a budget, finer only where they do not fit.

    Attributes:
        clean: Whether every cut so far was at whitespace. If not, the counts of pieces need not add up.
    """

    def __init__(self, text: str, tokenizer: Tokenizer, budget: Budget, levels: Sequence[Cutter]) -> None:
        self.clean = True
        self._text = text
        self._tokenizer = tokenizer
        self._budget = budget
        self._levels = levels

    def blocks(self) -> Iterator[Pieces]:
        """Yield the text's pieces, in order and without gaps, a bounded part of the text at a time."""
        for start, end in blocks(self._text):
            yield from self._fit([self._cut(start, end, 0)], 0)
            self._note([end] if end < len(self._text) else [])

    def _fit(self, runs: list[list[int]], level: int) -> list[Pieces]:
        """Return the pieces of each run of parts, given by its bounds; a part too large is cut at the next level."""
        starts = [start for bounds in runs for start in bounds[:-1]]
        ends = [end for bounds in runs for end in bounds[1:]]
        tokens = self._count(starts, ends, level)
        large = [i for i, count in enumerate(tokens) if count > self._budget.tokens and ends[i] - starts[i] > 1]
        finer = self._fit([self._cut(starts[i], ends[i], level + 1) for i in large], level + 1) if large else []
        return list(_splice_pieces(runs, tokens, deque(zip(large, map(self._join_pieces, finer), strict=True))))

    def _count(self, starts: list[int], ends: list[int], level: int) -> list[int]:
        """Count the tokens of each part; one that will be cut in any case is given more than the budget."""
        longest = self._budget.characters
        if level < len(self._levels):
            longest = self._budget.tokens * _LIKELY_CHARACTERS_PER_TOKEN
        text, over = self._text, self._budget.tokens + 1
        texts = [text[start:end] if end - start <= longest else "" for start, end in zip(starts, ends, strict=True)]
        counts = self._tokenizer.count(texts).tolist()
        return [count if part else over for part, count in zip(texts, counts, strict=True)]

    def _join_pieces(self, pieces: Pieces) -> Pieces:
        if pieces.fit(0, len(pieces.tokens), self._budget):
            return Pieces([pieces.bounds[0], pieces.bounds[-1]], [pieces.total[-1]])
        joined = list(groups([pieces], self._budget))
        return Pieces([joined[0][0], *(end for _, end, _ in joined)], [tokens for _, _, tokens in joined])

    def _cut(self, start: int, end: int, level: int) -> list[int]:
        """Return the bounds of the parts of ``text[start:end]``."""
        cutters = [*self._levels, self._windows, self._halves]
        cutter = cutters[min(level, len(cutters) - 1)]
        places = cutter(self._text, start, end)
        if cutter not in ALWAYS_CLEAN:
            self._note(places)
        return [start, *places, end]

    def _note(self, places: list[int]) -> None:
        self.clean = self.clean and are_clean(self._text, places)

    def _windows(self, text: str, start: int, end: int) -> list[int]:
        """Cut a word that is too long after each budget of tokens."""
        places: set[int] = set()
        size, step = self._budget.characters, self._budget.tokens
        for first in range(start, end, size):
            offsets = self._tokenizer.offsets(text[first : min(first + size, end)])
            places.update([first, *(offsets[step::step, 0] + first).tolist()])
        return sorted(places - {start})

    def _halves(self, text: str, start: int, end: int) -> list[int]:  # noqa: ARG002 - a cutter like the others
        """Cut in the middle what has more tokens by itself than it had in its place."""
        return [(start + end) // 2]


def _splice_pieces(runs: list[list[int]], tokens: list[int], finer: deque[tuple[int, Pieces]]) -> Iterator[Pieces]:
    """Yield each run as pieces, with the finer pieces in the place of the parts that were too large."""
    first = 0
    for bounds in runs:
        last = first + len(bounds) - 1
        ends, counts, done = [], [], first
        while finer and finer[0][0] < last:
            at, pieces = finer.popleft()
            ends += bounds[done - first : at - first] + pieces.bounds[:-1]
            counts += tokens[done:at] + pieces.tokens
            done = at + 1
        yield Pieces(ends + bounds[done - first :], counts + tokens[done:last])
        first = last


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
            if (span := _trim_span(text, start, end, count + overhead))
        ]
        if self._tokenizer.additive and cutting.clean and prefix[-1:] in {"", *SEPARATORS}:
            return self._fit_spans(tokens, text, prefix, spans)
        return self._fit_spans(tokens, text, prefix, [Span(start, end) for start, end, _ in spans])

    def _fit_spans(self, budget: int, text: str, prefix: str, spans: list[Span]) -> list[Span]:
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


def _trim_span(text: str, start: int, end: int, tokens: int) -> Span | None:
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
