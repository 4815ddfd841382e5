"""Packing: texts are cut into pieces, pieces joined into chunks, and chunks into batches, within budgets of tokens."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import deque
from functools import lru_cache
from itertools import accumulate, chain
from typing import TYPE_CHECKING, NamedTuple, Self

from pydantic import Field

from vecmill.errors import ConfigError
from vecmill.protocols import Batching, Options, group_by_tokens
from vecmill.protocols.component import SEPARATORS
from vecmill.records import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.protocols import Tokenizer
    from vecmill.records import ModelInfo

    Cutter = Callable[[str, int, int], list[int]]
    Turn = Callable[["Pieces", "Budget", int, int], tuple[int, int]]


DEFAULT_TOKENS = 256
LEAST_TOKENS = 8


def limit_tokens(max_tokens: int, tokenizer: Tokenizer, model: ModelInfo) -> int:
    """Return the most tokens a chunk may have as embedded; the default gives way to a model that takes fewer.

    Raises:
        ConfigError: The model takes fewer, or prompt and special tokens leave no room for text.
    """
    if max_tokens > model.max_tokens and max_tokens != DEFAULT_TOKENS:
        raise ConfigError(
            f"chunker.max_tokens is {max_tokens}, but {model.id} reads {model.max_tokens} tokens at most. "
            f"Set it to {model.max_tokens} or less."
        )
    most = min(max_tokens, model.max_tokens)
    taken = int(tokenizer.count([model.prompt])[0]) + tokenizer.special_tokens
    if most - taken < LEAST_TOKENS:
        raise ConfigError(
            f"chunker.max_tokens is {most}, of which the prompt and the special tokens of {model.id} take {taken}: "
            f"too few are left for text. Set it to {taken + LEAST_TOKENS} or more."
        )
    return most


BLOCK_CHARACTERS = 1 << 18


def _after(pattern: re.Pattern[str]) -> Cutter:
    """Return a function that finds the cuts strictly within ``text[start:end]`` that come right after ``pattern``."""

    def cut(text: str, start: int, end: int) -> list[int]:
        cuts = [match.end() for match in pattern.finditer(text, start, end)]
        if cuts and cuts[-1] == end:
            cuts.pop()
        return cuts

    return cut


paragraphs = _after(re.compile(r"\n[ \t\r]*\n[ \t\r\n]*"))
lines = _after(re.compile(r"\n"))
_space = _after(re.compile(r"[ \t\r\n]+"))


def words(text: str, start: int, end: int) -> list[int]:
    """Return the cuts within ``text[start:end]`` before words, each with one space, as many models read it."""
    return [cut - 1 for cut in _space(text, start, end) if cut - 1 > start]


ALWAYS_CLEAN = (paragraphs, lines, words)

# A search for one literal character is several times as fast as one for any of a few, so each mark has its own.
# Closing quotes hold no mark: what the searches find does not overlap, and together it is what one search would find.
_SPACED = {mark: _after(re.compile(f"""{re.escape(mark)}["'”’»)\\]]*[ \\t\\r\\n]""")) for mark in ".!?…"}  # noqa: RUF001 - as they are written
_DENSE = {mark: _after(re.compile(f"{mark}[」』）”’]*")) for mark in "。！？｡"}  # noqa: RUF001 - as Chinese and Japanese write them
_ENDS = (_SPACED | _DENSE).items()


def sentences(text: str, start: int, end: int) -> list[int]:
    """Return the cuts within ``text[start:end]`` after sentences; not all scripts have whitespace there."""
    found = [cut(text, start, end) for mark, cut in _ENDS if text.find(mark, start, end) >= 0]
    return found[0] if len(found) == 1 else sorted(chain.from_iterable(found))


def split_blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield parts of bounded size, cut between paragraphs if they can be, so that a huge text costs little memory."""
    start = 0
    while len(text) - start > BLOCK_CHARACTERS:
        end = _last_cut(text, start + BLOCK_CHARACTERS // 2, start + BLOCK_CHARACTERS)
        yield start, end
        start = end
    yield start, len(text)


def _last_cut(text: str, low: int, high: int) -> int:
    for separator in ("\n\n", "\n", " "):
        found = text.rfind(separator, low, high)
        if found >= 0:
            return found + len(separator)
    return high


def are_clean(text: str, cuts: list[int]) -> bool:
    """Return whether a separator is before or after each of these cuts, so that no word of the model's is cut."""
    return all(text[cut - 1] in SEPARATORS or text[cut] in SEPARATORS for cut in cuts)


_READ_BY_ALL = re.compile(r"[^\W_]")
"""A letter or a digit: found at once in almost every text, so that nothing need be counted."""


def is_blank(text: str, tokenizer: Tokenizer, start: int = 0, end: int | None = None) -> bool:
    """Return whether a text has no tokens: it is empty, whitespace, or of characters that the model drops.

    Such are zero-width spaces, byte order marks, soft hyphens, control characters; which ones depends on the model.

    Args:
        text: The text.
        tokenizer: The model's own.
        start: Where the part begins that is meant.
        end: Where it ends; by default with the text.
    """
    end = len(text) if end is None else end
    if _READ_BY_ALL.search(text, start, end):
        return False
    part = text[start:end]
    return not part or part.isspace() or not tokenizer.count([part])[0]


_CHARACTERS_PER_TOKEN = 16


class Budget(NamedTuple):
    """What a chunk may have.

    Attributes:
        tokens: Tokens of text.
        characters: A bound for text that has next to none, such as a megabyte the model reads as one unknown word.
    """

    tokens: int
    characters: int

    @classmethod
    def of(cls, tokens: int) -> Self:
        """Return the budget for this many tokens."""
        return cls(tokens, tokens * _CHARACTERS_PER_TOKEN)


class Pieces:
    """Pieces without gaps between them: the i-th is ``text[bounds[i]:bounds[i + 1]]``.

    Attributes:
        bounds: Their ends, and before these the start of the first.
        tokens: The tokens of each.
        total: The tokens of all before each, so ``total[j] - total[i]`` is the tokens of ``i`` to ``j - 1``.
    """

    __slots__ = ("bounds", "tokens", "total")

    def __init__(self, bounds: list[int], tokens: list[int]) -> None:
        self.bounds = bounds
        self.tokens = tokens
        self.total = list(accumulate(tokens, initial=0))

    def fit(self, first: int, last: int, budget: Budget) -> bool:
        """Return whether the pieces from ``first`` to before ``last`` fit together."""
        return (
            self.total[last] - self.total[first] <= budget.tokens
            and self.bounds[last] - self.bounds[first] <= budget.characters
        )

    def reach(self, first: int, budget: Budget) -> int:
        """Return the ``last`` up to which pieces fit together with ``first``; always one at least."""
        last = bisect_right(self.total, self.total[first] + budget.tokens, first + 1) - 1
        if self.bounds[last] - self.bounds[first] > budget.characters:
            last = bisect_right(self.bounds, self.bounds[first] + budget.characters, first, last) - 1
        return max(last, first + 1)

    def tail(self, last: int, tokens: int) -> int:
        """Return the ``first`` from which pieces up to ``last`` have at most this many tokens."""
        return bisect_left(self.total, self.total[last] - tokens, 0, last)


def apart(pieces: Pieces, budget: Budget, first: int, last: int) -> tuple[int, int]:  # noqa: ARG001 - one kind of turn
    """End a group with its last piece, and begin the next one after it."""
    return last, last


def join_pieces(blocks: Iterable[Pieces], budget: Budget, turn: Turn = apart) -> Iterator[tuple[int, int, int]]:
    """Join neighbours while they fit the budget; yield the start, the end and the tokens of each group.

    Args:
        blocks: Pieces in order, without gaps.
        budget: What a group may have.
        turn: Given the pieces from ``first`` to before ``last`` as a full group: where it ends after all,
            and where the next group begins.
    """
    first, pieces = 0, Pieces([0], [])
    for block in blocks:
        rest = pieces.tokens[first:]
        first, pieces = 0, Pieces([*pieces.bounds[first:-1], *block.bounds], [*rest, *block.tokens]) if rest else block
        while (last := pieces.reach(first, budget)) < len(pieces.tokens):
            end, begin = turn(pieces, budget, first, last)
            yield pieces.bounds[first], pieces.bounds[end], pieces.total[end] - pieces.total[first]
            first = begin
    if first < len(pieces.tokens):
        yield pieces.bounds[first], pieces.bounds[-1], pieces.total[-1] - pieces.total[first]


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
        for start, end in split_blocks(self._text):
            yield from self._fit([self._cut(start, end, 0)], 0)
            self._note([end] if end < len(self._text) else [])

    def _fit(self, runs: list[list[int]], level: int) -> list[Pieces]:
        """Return the pieces of each run of parts, given by its bounds; a part too large is cut at the next level."""
        starts = [start for bounds in runs for start in bounds[:-1]]
        ends = [end for bounds in runs for end in bounds[1:]]
        tokens = self._count(starts, ends, level)
        large = [i for i, count in enumerate(tokens) if count > self._budget.tokens and ends[i] - starts[i] > 1]
        finer = self._fit([self._cut(starts[i], ends[i], level + 1) for i in large], level + 1) if large else []
        return list(_splice_pieces(runs, tokens, deque(zip(large, map(self._coarsen, finer), strict=True))))

    def _count(self, starts: list[int], ends: list[int], level: int) -> list[int]:
        """Count the tokens of each part; one that will be cut in any case is given more than the budget."""
        longest = self._budget.characters
        if level < len(self._levels):
            longest = self._budget.tokens * _LIKELY_CHARACTERS_PER_TOKEN
        text, over = self._text, self._budget.tokens + 1
        texts = [text[start:end] if end - start <= longest else "" for start, end in zip(starts, ends, strict=True)]
        counts = self._tokenizer.count(texts).tolist()
        return [count if part else over for part, count in zip(texts, counts, strict=True)]

    def _coarsen(self, pieces: Pieces) -> Pieces:
        if pieces.fit(0, len(pieces.tokens), self._budget):
            return Pieces([pieces.bounds[0], pieces.bounds[-1]], [pieces.total[-1]])
        joined = list(join_pieces([pieces], self._budget))
        return Pieces([joined[0][0], *(end for _, end, _ in joined)], [tokens for _, _, tokens in joined])

    def _cut(self, start: int, end: int, level: int) -> list[int]:
        """Return the bounds of the parts of ``text[start:end]``."""
        cutters = [*self._levels, self._windows, self._halves]
        cutter = cutters[min(level, len(cutters) - 1)]
        cuts = cutter(self._text, start, end)
        if cutter not in ALWAYS_CLEAN:
            self._note(cuts)
        return [start, *cuts, end]

    def _note(self, cuts: list[int]) -> None:
        self.clean = self.clean and are_clean(self._text, cuts)

    def _windows(self, text: str, start: int, end: int) -> list[int]:
        """Cut a word that is too long after each budget of tokens."""
        cuts: set[int] = set()
        size, step = self._budget.characters, self._budget.tokens
        for first in range(start, end, size):
            offsets = self._tokenizer.offsets(text[first : min(first + size, end)])
            cuts.update([first, *(offsets[step::step, 0] + first).tolist()])
        return sorted(cuts - {start})

    def _halves(self, text: str, start: int, end: int) -> list[int]:  # noqa: ARG002 - a cutter like the others
        """Cut in the middle what has more tokens by itself than within its text."""
        return [(start + end) // 2]


def _splice_pieces(runs: list[list[int]], tokens: list[int], finer: deque[tuple[int, Pieces]]) -> Iterator[Pieces]:
    """Yield each run as pieces, with finer pieces instead of the parts that were too large."""
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
    whitespace, or a word had to be cut), each chunk is counted by itself, and cut again if it is too long.
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
            for start, end, count in join_pieces(cutting.blocks(), budget, turn)
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


class TokenBudgetBatching(Batching["TokenBudgetBatching.Config"]):
    """Sorts chunks by length, longest first, so that hardly any of a batch is padding.

    The longest come first, so that too large a budget fails at once and not at the end.
    """

    name = "token_budget"

    class Config(Options):
        """Options of ``token_budget``.

        Attributes:
            max_tokens: Tokens in a batch, padding included; what suits the engine by default.
        """

        max_tokens: int | None = Field(None, gt=0)

    def batches(self, tokens: npt.NDArray[np.int64], preferred: int) -> Iterator[npt.NDArray[np.int64]]:
        """Yield batches of indices into ``tokens``; every index is in exactly one."""
        return group_by_tokens(tokens, self.config.max_tokens or preferred)


class FixedBatching(Batching["FixedBatching.Config"]):
    """Takes chunks in their order, ``size`` at a time."""

    name = "fixed"

    class Config(Options):
        """Options of ``fixed``.

        Attributes:
            size: Chunks in each batch.
        """

        size: int = Field(512, gt=0)

    def batches(self, tokens: npt.NDArray[np.int64], preferred: int) -> Iterator[npt.NDArray[np.int64]]:  # noqa: ARG002 - the engine is not asked
        """Yield batches of indices into ``tokens``; every index is in exactly one."""
        import numpy as np

        for start in range(0, len(tokens), self.config.size):
            yield np.arange(start, min(start + self.config.size, len(tokens)))
