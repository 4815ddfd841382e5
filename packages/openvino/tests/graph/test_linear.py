"""Linear layers in 8-bit integers, against the same in float32."""

from __future__ import annotations

import numpy as np
import pytest

from vecmill_openvino.graph.linear import Layer, Quantizer, plain


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
