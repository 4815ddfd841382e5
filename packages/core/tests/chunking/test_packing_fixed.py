"""Batches of a fixed number of chunks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vecmill.chunking.packing import FixedBatching


@given(tokens=st.lists(st.integers(0, 500)), size=st.integers(1, 40))
def test_batches_are_in_source_order(tokens, size):
    """Each has ``size`` chunks, the last one what is left; together they are all, in order."""
    batching = FixedBatching(FixedBatching.Config(size=size))

    batches = list(batching.batches(np.array(tokens, np.int64), 16_384))

    assert [index for batch in batches for index in batch] == list(range(len(tokens)))
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(0 < len(batch) <= size for batch in batches)


def test_an_empty_batch_is_refused():
    """Before any work."""
    with pytest.raises(ValidationError):
        FixedBatching.Config(size=0)
