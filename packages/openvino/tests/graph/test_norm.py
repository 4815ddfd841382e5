"""Layer norms, their result and their parts, against their definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from vecmill_openvino.graph.linear import Layer, layer_norm, plain

if TYPE_CHECKING:
    from vecmill_openvino.tensors import Tensors

EPSILON = 1e-5


@pytest.fixture
def tensors():
    """A norm's scale and shift for 16 channels."""
    draw = np.random.default_rng(3)
    return {f"norm.{part}": draw.normal(size=16).astype(np.float32) for part in ("weight", "bias")}


@pytest.fixture
def expected(tensors):
    """What a norm gives by its definition."""

    def norm(x):
        centred = x - x.mean(axis=-1, keepdims=True)
        normal = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
        return normal * tensors["norm.weight"] + tensors["norm.bias"]

    return norm


class Taken(dict):
    """A dictionary with the one method of ``Tensors`` that is used."""

    take = dict.__getitem__


@pytest.fixture
def x():
    """Three texts of five tokens whose numbers are not centred."""
    return np.random.default_rng(4).normal(3, 2, size=(3, 5, 16)).astype(np.float32)


def test_the_result_is_a_layer_norm(compute, tensors, expected, x):
    """Scale and shift included."""
    found = compute(lambda node: layer_norm(node, cast("Tensors", Taken(tensors)), "norm", EPSILON).result(), x)
    np.testing.assert_allclose(found, expected(x), rtol=1e-4, atol=1e-5)


def test_a_layer_that_takes_the_scale_and_the_shift_in_gives_the_same(compute, tensors, expected, x):
    """A linear layer after the norm's result, and the adapted layer after its first half, are one function."""
    draw = np.random.default_rng(5)
    layer = Layer("next", draw.normal(size=(8, 16)).astype(np.float32), draw.normal(size=8).astype(np.float32))

    def folded(node):
        norm = layer_norm(node, cast("Tensors", Taken(tensors)), "norm", EPSILON)
        return plain(norm.x, [norm.merge_into(layer)])[0]

    np.testing.assert_allclose(compute(folded, x), expected(x) @ layer.weight.T + layer.bias, rtol=1e-4, atol=1e-4)
