"""Head: what happens to a pooled vector, in float32 whatever the encoder's arithmetic: dense layers, unit length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vecmill.errors import ModelError
from vecmill.models.weights import SAFETENSORS
from vecmill_local_runtime.tensors import Tensors

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from vecmill.models import Dense, ModelFolder

    Vectors = npt.NDArray[np.float32]

_ACTIVATIONS: dict[str, Callable[[Vectors], Vectors]] = {
    "Identity": lambda x: x,
    "ReLU": lambda x: np.maximum(x, 0),
    "Sigmoid": lambda x: np.reciprocal(np.exp(-x) + np.float32(1)),
    "Tanh": np.tanh,
}
_TINY = np.float32(1e-12)


class Head:
    """The steps after pooling.

    Raises:
        ModelError: A layer is damaged or has an activation that is not known here.
    """

    def __init__(self, folder: ModelFolder) -> None:
        self._normalized = folder.pipeline.normalized
        self._layers = [_Layer(folder, dense) for dense in folder.pipeline.dense]

    def __call__(self, pooled: Vectors) -> Vectors:
        """Return finished vectors, shape ``(n, dimension)``."""
        for layer in self._layers:
            pooled = layer(pooled)
        return normalize(pooled) if self._normalized else pooled


class _Layer:
    def __init__(self, folder: ModelFolder, dense: Dense) -> None:
        tensors = Tensors([folder.root / dense.folder / SAFETENSORS])
        self._weight = tensors.take("linear.weight")
        self._bias = tensors.take("linear.bias") if "linear.bias" in tensors else np.float32(0)
        if self._weight.shape != (dense.outputs, dense.inputs):
            raise ModelError(f"{folder.id!r}: the weights in {dense.folder} do not fit its config.json.")
        if dense.activation not in _ACTIVATIONS:
            known = ", ".join(_ACTIVATIONS)
            raise ModelError(
                f"{folder.id!r}: the activation {dense.activation!r} is not known here; known are {known}."
            )
        self._activate = _ACTIVATIONS[dense.activation]

    def __call__(self, x: Vectors) -> Vectors:
        return self._activate(x @ self._weight.T + self._bias)


def normalize(vectors: Vectors) -> Vectors:
    """Bring each vector to unit length; a zero vector stays zero."""
    norms: Vectors = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(norms, _TINY)).astype(np.float32, copy=False)
