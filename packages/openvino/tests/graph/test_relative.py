"""Relative positions: MPNet's buckets and its bias."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vecmill_openvino.graph.encoder import BUCKETS, FARTHEST, buckets, relative_bias


def test_near_distances_have_buckets_of_their_own():
    """Up to seven tokens away, in either direction; later tokens in the upper half."""
    near = np.arange(-7, 8)
    assert buckets(near).tolist() == [7, 6, 5, 4, 3, 2, 1, 0, 17, 18, 19, 20, 21, 22, 23]


def test_far_distances_share_buckets_as_in_the_original():
    """The borders of the logarithmic buckets, and one for all that is farther than 128."""
    distances = np.arange(8, 513)
    found = buckets(-distances)
    borders = distances[np.flatnonzero(np.diff(found, prepend=0))]
    assert borders.tolist() == [8, 12, 16, 23, 32, 46, 64, 91]
    assert set(found[distances >= FARTHEST]) == {BUCKETS // 2 - 1}


@given(st.integers(1, 5_000))
def test_direction_only_moves_a_bucket_to_the_other_half(distance):
    """A distance forward and back differ by half the buckets, and farther is never a lower bucket."""
    back, forward, farther = buckets(np.array([-distance, distance, distance + 1]))
    assert forward == back + BUCKETS // 2
    assert farther >= forward


def test_the_bias_of_two_tokens_is_their_distances_row(compute):
    """Key minus query decides, for every length up to the longest."""
    table = np.random.default_rng(1).normal(size=(BUCKETS, 3)).astype(np.float32)
    for length in (1, 5, 40):
        found = compute(lambda ids: relative_bias(ids, table, 40), np.zeros((2, length), np.int64))
        positions = np.arange(length)
        expected = table[buckets(positions[None, :] - positions[:, None])].transpose(2, 0, 1)[None]
        assert np.array_equal(found, expected)
