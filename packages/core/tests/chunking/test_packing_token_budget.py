"""Batches of chunks of like length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vecmill.chunking.packing import TokenBudgetBatching

TOKENS = st.lists(st.integers(0, 600), max_size=300).map(lambda tokens: np.array(tokens, np.int64))


def batches(tokens, preferred=16_384, **options):
    """Return the batches of chunks of so many tokens."""
    return list(TokenBudgetBatching(TokenBudgetBatching.Config(**options)).batches(tokens, preferred))


@given(tokens=TOKENS, budget=st.integers(1, 3000))
def test_every_chunk_is_in_one_batch(tokens, budget):
    """None is lost, none comes twice, and no batch is empty."""
    found = batches(tokens, max_tokens=budget)

    assert sorted(index for batch in found for index in batch) == list(range(len(tokens)))
    assert all(len(batch) > 0 for batch in found)


@given(tokens=TOKENS, budget=st.integers(1, 3000))
def test_a_padded_batch_keeps_to_the_budget(tokens, budget):
    """Rows times the longest; a single chunk may be over, as it cannot be split."""
    for batch in batches(tokens, max_tokens=budget):
        assert len(batch) == 1 or len(batch) * tokens[batch].max() <= budget


@given(tokens=TOKENS, budget=st.integers(1, 3000))
def test_batches_are_as_full_as_they_can_be(tokens, budget):
    """The longest come first, and one more of a batch's longest would not have fitted."""
    found = batches(tokens, max_tokens=budget)

    lengths = [int(tokens[index]) for batch in found for index in batch]
    assert lengths == sorted(lengths, reverse=True)
    assert all((len(batch) + 1) * max(tokens[batch].max(), 1) > budget for batch in found[:-1])


def test_the_engine_is_asked_by_default():
    """Without ``max_tokens`` the engine's own wish is the budget."""
    tokens = np.full(100, 10)

    assert [len(batch) for batch in batches(tokens, preferred=200)] == [20] * 5
    assert [len(batch) for batch in batches(tokens, preferred=200, max_tokens=500)] == [50] * 2


def test_hardly_any_of_a_batch_is_padding():
    """Over chunks as a chunker makes them, padding is under three percent; in source order it is over half."""
    rng = np.random.default_rng(0)
    tokens = np.clip(rng.gamma(3, 45, 8_000).astype(np.int64) + 4, 4, 256)
    padded = sum(len(batch) * tokens[batch].max() for batch in batches(tokens, preferred=4096))
    in_order = sum(len(part) * part.max() for part in np.split(tokens, range(32, len(tokens), 32)))

    assert padded < 1.03 * tokens.sum()
    assert in_order > 1.5 * tokens.sum()


def test_chunks_of_one_length_stay_in_order():
    """Equal ones are not shuffled, so the same input makes the same batches."""
    assert [batch.tolist() for batch in batches(np.full(6, 10), preferred=30)] == [[0, 1, 2], [3, 4, 5]]


def test_a_budget_of_nothing_is_refused():
    """Before any work."""
    with pytest.raises(ValidationError):
        TokenBudgetBatching.Config(max_tokens=0)
