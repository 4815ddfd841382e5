"""Head: dense layers and unit length, in float32."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from vecmill.errors import ModelError
from vecmill.models import Dense, ModelFolder, Pipeline, Prompts
from vecmill_openvino.engine import Head, normalize

DRAW = np.random.default_rng(5)
POOLED = DRAW.normal(size=(6, 8)).astype(np.float32)
WEIGHT, BIAS = DRAW.normal(size=(3, 8)).astype(np.float32), DRAW.normal(size=3).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    """Make a model whose pooled vectors go through one dense layer."""
    (tmp_path / "2_Dense").mkdir()
    save_file({"linear.weight": WEIGHT, "linear.bias": BIAS}, tmp_path / "2_Dense/model.safetensors")

    def make(activation="Identity", *, normalized=False, dense=True):
        layers = (Dense("2_Dense", 8, 3, activation),) if dense else ()
        pipeline = Pipeline(dense=layers, normalized=normalized)
        return ModelFolder("m", "r", tmp_path, tmp_path, {}, pipeline, Prompts(), 16, 3)

    return make


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        ("Identity", lambda x: x),
        ("Tanh", np.tanh),
        ("ReLU", lambda x: np.maximum(x, 0)),
        ("Sigmoid", lambda x: 1 / (1 + np.exp(-x))),
    ],
)
def test_a_dense_layer_projects_and_activates(activation, function, folder):
    """In float32, with weights as torch stores them."""
    found = Head(folder(activation))(POOLED)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, function(POOLED.astype(np.float64) @ WEIGHT.T + BIAS), rtol=1e-4, atol=1e-6)


def test_vectors_are_normalized_only_if_the_model_does(folder):
    """Last of all, after the dense layer."""
    plain, unit = Head(folder("Tanh"))(POOLED), Head(folder("Tanh", normalized=True))(POOLED)
    np.testing.assert_allclose(unit, normalize(plain))
    assert np.array_equal(Head(folder(dense=False))(POOLED), POOLED)


def test_normalizing_gives_unit_length_in_float32_and_keeps_zeros():
    """Also for very large and very small vectors."""
    found = normalize(np.array([[3e8, 4e8], [3e-10, 4e-10], [0, 0]], np.float32))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.6, 0.8], [0, 0]], rtol=1e-6)
    assert found.dtype == np.float32


def test_a_layer_that_is_not_what_its_settings_say_is_refused(folder):
    """Another shape, or a function that is not known here."""
    with pytest.raises(ModelError, match="'Softplus' is not known here; known are Identity"):
        Head(folder("Softplus"))
    wide = replace(folder(), pipeline=Pipeline(dense=(Dense("2_Dense", 8, 4, "Identity"),)))
    with pytest.raises(ModelError, match="2_Dense do not fit"):
        Head(wide)
