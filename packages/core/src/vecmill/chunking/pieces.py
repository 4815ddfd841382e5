"""Pieces: neighbouring parts of a text with their tokens, joined while they fit a budget."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Turn = Callable[["Pieces", "Budget", int, int], tuple[int, int]]

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
