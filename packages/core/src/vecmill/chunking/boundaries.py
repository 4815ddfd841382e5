"""Boundaries: where a text may be cut (paragraphs, sentences, lines, words), the pieces between, what is blank."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import accumulate, chain
from typing import TYPE_CHECKING, NamedTuple, Self

from vecmill.protocols.tokenizer import SEPARATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from vecmill.protocols import Tokenizer

    Cutter = Callable[[str, int, int], list[int]]
    Turn = Callable[["Pieces", "Budget", int, int], tuple[int, int]]


BLOCK_CHARACTERS = 1 << 18

_HEADING_CHARACTERS = 120
_UNDERLINES = "=-~*^#+`\"' \t\r\n"


def _after(pattern: re.Pattern[str]) -> Cutter:
    """Return a function giving the places strictly within ``text[start:end]`` that come right after ``pattern``."""

    def cut(text: str, start: int, end: int) -> list[int]:
        places = [match.end() for match in pattern.finditer(text, start, end)]
        if places and places[-1] == end:
            places.pop()
        return places

    return cut


paragraphs = _after(re.compile(r"\n[ \t\r]*\n[ \t\r\n]*"))
lines = _after(re.compile(r"\n"))
_space = _after(re.compile(r"[ \t\r\n]+"))


def words(text: str, start: int, end: int) -> list[int]:
    """Return the places within ``text[start:end]`` before words, each with one space, as many models read it."""
    return [place - 1 for place in _space(text, start, end) if place - 1 > start]


ALWAYS_CLEAN = (paragraphs, lines, words)

# A search for one literal character is several times as fast as one for any of a few, so each mark has its own.
# Closing quotes hold no mark: what the searches find does not overlap, and together it is what one search would find.
_SPACED = {mark: _after(re.compile(f"""{re.escape(mark)}["'”’»)\\]]*[ \\t\\r\\n]""")) for mark in ".!?…"}  # noqa: RUF001 - as they are written
_DENSE = {mark: _after(re.compile(f"{mark}[」』）”’]*")) for mark in "。！？｡"}  # noqa: RUF001 - as Chinese and Japanese write them
_ENDS = (_SPACED | _DENSE).items()


def sentences(text: str, start: int, end: int) -> list[int]:
    """Return the places within ``text[start:end]`` after sentences; not all scripts have whitespace there."""
    found = [cut(text, start, end) for mark, cut in _ENDS if text.find(mark, start, end) >= 0]
    return found[0] if len(found) == 1 else sorted(chain.from_iterable(found))


def blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield parts of bounded size, cut between paragraphs if they can be, so that a huge text costs little memory."""
    start = 0
    while len(text) - start > BLOCK_CHARACTERS:
        end = _last_cut(text, start + BLOCK_CHARACTERS // 2, start + BLOCK_CHARACTERS)
        yield start, end
        start = end
    yield start, len(text)


def _last_cut(text: str, low: int, high: int) -> int:
    for separator in ("\n\n", "\n", " "):
        place = text.rfind(separator, low, high)
        if place >= 0:
            return place + len(separator)
    return high


def are_clean(text: str, places: list[int]) -> bool:
    """Return whether there is a separator beside each of these cuts, so that no word of the model's is cut."""
    return all(text[place - 1] in SEPARATORS or text[place] in SEPARATORS for place in places)


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


def is_heading(text: str, start: int, end: int) -> bool:
    """Return whether this part looks like a title of what follows: one short line, underlined perhaps."""
    if end - start > 2 * _HEADING_CHARACTERS:
        return False
    line = text[start:end].rstrip(_UNDERLINES).lstrip()
    return len(line) <= _HEADING_CHARACTERS and "\n" not in line and line[-1:].isalnum()


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


def groups(blocks: Iterable[Pieces], budget: Budget, turn: Turn = apart) -> Iterator[tuple[int, int, int]]:
    """Join neighbours while they fit the budget; yield the start, the end and the tokens of each group.

    Args:
        blocks: Pieces in order, without gaps.
        budget: What a group may have.
        turn: Given the pieces from ``first`` to before ``last`` as a full group: where it ends after all,
            and where the next group begins.
    """
    first, pieces = 0, Pieces([0], [])
    for block in blocks:
        kept = pieces.tokens[first:]
        first, pieces = 0, Pieces([*pieces.bounds[first:-1], *block.bounds], [*kept, *block.tokens]) if kept else block
        while (last := pieces.reach(first, budget)) < len(pieces.tokens):
            end, begin = turn(pieces, budget, first, last)
            yield pieces.bounds[first], pieces.bounds[end], pieces.total[end] - pieces.total[first]
            first = begin
    if first < len(pieces.tokens):
        yield pieces.bounds[first], pieces.bounds[-1], pieces.total[-1] - pieces.total[first]
