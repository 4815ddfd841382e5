"""Joining neighbours within a budget."""

from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from vecmill.chunking.packing import Budget, Pieces, join_pieces

BUDGET = Budget.of(10)
SIZES = st.lists(st.tuples(st.integers(1, 200), st.integers(0, 12)), min_size=1)


@given(blocks=st.lists(SIZES, min_size=1))
def test_groups_are_greedy(blocks):
    """They follow each other, keep to the budget where pieces do, and the next piece would not have fitted."""
    flat = [size for block in blocks for size in block]
    bounds = list(accumulate((length for length, _ in flat), initial=0))
    tokens = [count for _, count in flat]
    ends = list(accumulate(map(len, blocks), initial=0))
    parts = [Pieces(bounds[i : j + 1], tokens[i:j]) for i, j in pairwise(ends)]

    found = list(join_pieces(parts, BUDGET))

    places = [bounds.index(start) for start, _, _ in found] + [len(tokens)]
    assert [end for _, end, _ in found] == [bounds[place] for place in places[1:]]
    whole = Pieces(bounds, tokens)
    for first, last, (_, _, count) in zip(places, places[1:], found, strict=False):
        assert count == sum(tokens[first:last])
        assert last == first + 1 or whole.fit(first, last, BUDGET)
        assert last == len(tokens) or not whole.fit(first, last + 1, BUDGET)
