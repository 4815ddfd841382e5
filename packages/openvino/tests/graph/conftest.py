"""Running a piece of a graph on given numbers."""

from __future__ import annotations

import numpy as np
import openvino
import pytest
from openvino import opset13 as ov


@pytest.fixture
def compute():
    """Return a function that builds nodes from inputs, runs them in float32, and returns the result."""

    def run(build, *arrays):
        given = [np.asarray(array) for array in arrays]
        inputs = [ov.parameter([-1] * array.ndim, array.dtype, f"input{n}") for n, array in enumerate(given)]
        model = openvino.Model([build(*inputs)], inputs, "piece")
        compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return compiled(given)[0]

    return run
