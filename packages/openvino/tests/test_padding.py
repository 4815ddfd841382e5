"""Padding: cutting and filling up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill_openvino.encoding import STEP, cut, pad


@pytest.mark.parametrize(
    ("ids", "longest", "ending", "expected"),
    [
        ([1, 5, 6, 7, 2], 5, 1, [1, 5, 6, 7, 2]),
        ([1, 5, 6, 7, 2], 4, 1, [1, 5, 6, 2]),
        ([1, 5, 6, 7, 2, 3], 4, 2, [1, 5, 2, 3]),
        ([1, 5, 6, 7], 3, 0, [1, 5, 6]),
    ],
)
def test_a_long_text_is_cut_before_its_last_special_tokens(ids, longest, ending, expected):
    """As the model saw long texts in training."""
    assert cut(ids, longest, ending) == expected


@given(st.lists(st.lists(st.integers(2, 9), min_size=1, max_size=40), min_size=1, max_size=9), st.integers(0, 1))
def test_padding_keeps_every_token_and_fills_the_rest(ids, filler):
    """Rows are as long as the longest text, rounded up to a round width."""
    found = pad(ids, filler, longest=512)
    assert found.shape == (len(ids), -(-max(map(len, ids)) // STEP) * STEP)
    for row, text in zip(found, ids, strict=True):
        assert row.tolist() == text + [filler] * (len(row) - len(text))


def test_no_array_is_wider_than_the_model():
    """There is no position to look up beyond its longest input."""
    assert pad([[7] * 250], 0, longest=250).shape == (1, 250)
