"""activate: the activations by name."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vecmill.errors import ModelError
from vecmill_openvino.graph.encoder import activate

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
