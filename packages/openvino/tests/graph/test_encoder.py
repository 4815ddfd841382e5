"""Pieces of the encoder: linear layers, layer norms, activations and relative positions, against their definition."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.errors import ModelError
from vecmill_openvino.graph.encoder import (
    BUCKETS,
    FARTHEST,
    Layer,
    Quantizer,
    activate,
    buckets,
    layer_norm,
    plain,
    relative_bias,
)

if TYPE_CHECKING:
    from vecmill_openvino.graph.build import Tensors


@pytest.fixture
def layers():
    """Two layers that share an input of 16 channels."""
    draw = np.random.default_rng(1)
    return [
        Layer(name, draw.normal(size=(outputs, 16)).astype(np.float32), draw.normal(size=outputs).astype(np.float32))
        for name, outputs in (("first", 8), ("second", 24))
    ]


@pytest.fixture
def x():
    """Inputs of which one channel is a hundred times as large as the others."""
    x = np.random.default_rng(2).normal(size=(2, 5, 16)).astype(np.float32)
    x[..., 3] *= 100
    return x


def test_plain_layers_multiply_and_add(compute, layers, x):
    """Each gives what its definition says."""
    for number, layer in enumerate(layers):
        found = compute(lambda node, n=number: plain(node, layers)[n], x)
        np.testing.assert_allclose(found, x @ layer.weight.T + layer.bias, rtol=1e-4, atol=1e-3)


def test_a_large_channel_does_not_drown_the_others(compute, layers, x):
    """The error stays within some hundredths of a result's usual size, although one channel needs most of the range."""
    quantizer = Quantizer({"first": np.abs(x).max(axis=(0, 1))})
    for number, layer in enumerate(layers):
        found = compute(lambda node, n=number: quantizer(node, layers)[n], x)
        expected = x @ layer.weight.T + layer.bias
        assert np.abs(found - expected).max() < 0.03 * np.abs(expected).max()
        rest = np.delete(x, 3, axis=2) @ np.delete(layer.weight, 3, axis=1).T
        alone = (
            compute(lambda node, n=number: quantizer(node, layers)[n], np.where(np.arange(16) == 3, 0, x)) - layer.bias
        )
        assert np.corrcoef(alone.ravel(), rest.ravel())[0, 1] > 0.98


def test_what_is_beyond_the_range_seen_counts_as_its_end(compute, layers, x):
    """A number that calibration never met is cut, not wrapped around."""
    quantizer = Quantizer({"first": np.abs(x).max(axis=(0, 1))})
    within = compute(lambda node: quantizer(node, layers)[0], np.full((1, 1, 16), 1e6, np.float32))
    beyond = compute(lambda node: quantizer(node, layers)[0], np.full((1, 1, 16), 1e9, np.float32))
    np.testing.assert_array_equal(within, beyond)


EPSILON = 1e-5


@pytest.fixture
def tensors():
    """A norm's scale and shift for 16 channels."""
    draw = np.random.default_rng(3)
    return {f"norm.{part}": draw.normal(size=16).astype(np.float32) for part in ("weight", "bias")}


@pytest.fixture
def expected(tensors):
    """What a norm gives by its definition."""

    def norm(vectors):
        centred = vectors - vectors.mean(axis=-1, keepdims=True)
        normal = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
        return normal * tensors["norm.weight"] + tensors["norm.bias"]

    return norm


class Taken(dict):
    """A dictionary with the one method of ``Tensors`` that is used."""

    take = dict.__getitem__


@pytest.fixture
def vectors():
    """Three texts of five tokens whose numbers are not centred."""
    return np.random.default_rng(4).normal(3, 2, size=(3, 5, 16)).astype(np.float32)


def test_the_result_is_a_layer_norm(compute, tensors, expected, vectors):
    """Scale and shift included."""
    found = compute(lambda node: layer_norm(node, cast("Tensors", Taken(tensors)), "norm", EPSILON).result(), vectors)
    np.testing.assert_allclose(found, expected(vectors), rtol=1e-4, atol=1e-5)


def test_a_layer_that_takes_the_scale_and_the_shift_in_gives_the_same(compute, tensors, expected, vectors):
    """A linear layer after the norm's result, and the adapted layer after its first half, are one function."""
    draw = np.random.default_rng(5)
    layer = Layer("next", draw.normal(size=(8, 16)).astype(np.float32), draw.normal(size=8).astype(np.float32))

    def folded(node):
        norm = layer_norm(node, cast("Tensors", Taken(tensors)), "norm", EPSILON)
        return plain(norm.x, [norm.merge_into(layer)])[0]

    np.testing.assert_allclose(
        compute(folded, vectors), expected(vectors) @ layer.weight.T + layer.bias, rtol=1e-4, atol=1e-4
    )


X = np.linspace(-6, 6, 101, dtype=np.float32)


def _tanh_gelu(x):
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@pytest.mark.parametrize(
    ("names", "function"),
    [
        (["gelu", "gelu_python"], lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2)))),
        (["gelu_new", "gelu_fast", "gelu_pytorch_tanh"], _tanh_gelu),
        (["relu"], lambda x: max(x, 0.0)),
        (["silu", "swish"], lambda x: x / (1 + math.exp(-x))),
        (["sigmoid"], lambda x: 1 / (1 + math.exp(-x))),
        (["tanh"], math.tanh),
    ],
)
def test_a_name_means_its_function(names, function, compute):
    """To within the rounding of float32; exact GELU and its tanh form are not mixed up."""
    for name in names:
        found = compute(lambda x, name=name: activate(x, name), X)
        np.testing.assert_allclose(found, [function(float(x)) for x in X], atol=2e-6)


def test_an_unknown_activation_is_refused_with_those_that_are_known():
    """And not replaced by one that is."""
    with pytest.raises(ModelError, match=r"'laplace' is not known here; known are gelu, .*tanh"):
        activate(None, "laplace")


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
