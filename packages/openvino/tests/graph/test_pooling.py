"""pool: each way against the same in numpy, one text at a time."""

from __future__ import annotations

import numpy as np
import pytest

from vecmill.models.folder import POOLING
from vecmill_openvino.graph.build import pool
from vecmill_openvino.graph.linear import text_mask

WAYS = {
    "cls": lambda x: x[0],
    "lasttoken": lambda x: x[-1],
    "max": lambda x: x.max(0),
    "mean": lambda x: x.mean(0),
    "mean_sqrt_len_tokens": lambda x: x.sum(0) / np.sqrt(len(x)),
    "weightedmean": lambda x: np.average(x, axis=0, weights=np.arange(1, len(x) + 1)),
}
LENGTHS = np.array([7, 1, 4], np.int64)


@pytest.fixture
def tokens():
    """Token vectors, huge where there is padding."""
    x = np.random.default_rng(2).normal(size=(3, 7, 5)).astype(np.float32)
    for row, length in zip(x, LENGTHS, strict=True):
        row[length:] = 1e6
    return x


def test_every_way_a_model_may_ask_for_is_there():
    """What models are allowed to say is what can be done."""
    assert WAYS.keys() == POOLING


@pytest.mark.parametrize("modes", [*((way,) for way in WAYS), ("cls", "mean"), ("max", "lasttoken", "cls")])
def test_padding_has_no_part_in_a_pooled_vector(modes, tokens, compute):
    """Each text is pooled as if it were alone; several ways are put side by side in order."""
    ids = np.ones((3, 7), np.int64)
    found = compute(lambda x, i, n: pool(x, i, text_mask(i, n), n, modes), tokens, ids, LENGTHS)
    alone = [row[:length] for row, length in zip(tokens, LENGTHS, strict=True)]
    expected = [np.concatenate([WAYS[mode](text) for mode in modes]) for text in alone]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
