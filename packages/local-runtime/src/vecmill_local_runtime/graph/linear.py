"""Linear: layers that multiply by a matrix, as they are or in 8-bit integers.

An encoder gives all the layers that share an input at once, so that their input is prepared once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from openvino import opset13 as ov

from vecmill_local_runtime.graph.ops import Node, constant

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

SMOOTHING = 0.6  # benchmarks/quantization.py says on which texts it was chosen
_LARGEST_WEIGHT = 127
_LEVELS = 256
_TINY = np.float32(1e-6)


class Layer(NamedTuple):
    """A linear layer: ``x @ weight.T + bias``, with the weight of shape ``(outputs, inputs)``."""

    name: str
    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]


Project = Callable[[Node, Sequence[Layer]], list[Node]]
"""Applies layers to their common input, and gives the result of each."""


def plain(x: Node, layers: Sequence[Layer]) -> list[Node]:
    """Multiply in the engine's own precision."""
    return [_added(ov.matmul(x, constant(layer.weight), False, True), layer) for layer in layers]  # noqa: FBT003 - OpenVINO takes these by place


class Observer:
    """Multiplies as ``plain`` does, and keeps the inputs, each under the name of its first layer."""

    def __init__(self) -> None:
        self.inputs: dict[str, Node] = {}

    def __call__(self, x: Node, layers: Sequence[Layer]) -> list[Node]:
        """Apply layers."""
        self.inputs[layers[0].name] = x
        return plain(x, layers)


class Quantizer:
    """Multiplies 8-bit integers: weights with a scale for each output, inputs with one for all.

    A few channels of an encoder's inputs are far larger than the others and would leave those a few of the 256
    levels. So each channel is first divided by a number of its own, and the weights are multiplied by it, which
    changes nothing but evens out both (Xiao et al., SmoothQuant, 2022).

    Args:
        magnitudes: For each layer that stands first at its input, the largest that it may get in each channel,
            shape ``(inputs,)``, without sign: with a zero in the middle the engine has less to add.
    """

    def __init__(self, magnitudes: Mapping[str, npt.NDArray[np.float32]]) -> None:
        self._magnitudes = magnitudes

    def __call__(self, x: Node, layers: Sequence[Layer]) -> list[Node]:
        """Apply layers."""
        seen = self._magnitudes[layers[0].name] + _TINY
        smooth = _smoothing(seen, layers)
        largest = float((seen / smooth).max())
        bounds = constant(-largest), constant(largest * 127 / 128)
        levels = ov.fake_quantize(ov.multiply(x, constant(1 / smooth)), *bounds, *bounds, _LEVELS)
        return [_added(ov.matmul(levels, _rounded(layer.weight * smooth), False, True), layer) for layer in layers]  # noqa: FBT003 - (the same)


def _smoothing(inputs: npt.NDArray[np.float32], layers: Sequence[Layer]) -> npt.NDArray[np.float32]:
    """Return what each input channel is divided by; their geometric mean is 1."""
    weights = np.abs(np.concatenate([layer.weight for layer in layers])).max(axis=0) + _TINY
    logarithms = SMOOTHING * np.log(inputs) - (1 - SMOOTHING) * np.log(weights)
    smooth: npt.NDArray[np.float32] = np.exp(logarithms - logarithms.mean()).astype(np.float32)
    return smooth


def _rounded(weight: npt.NDArray[np.float32]) -> Node:
    scale = np.abs(weight).max(axis=1, keepdims=True) / _LARGEST_WEIGHT + _TINY * _TINY
    levels = np.rint(weight / scale).astype(np.int8)
    return ov.multiply(ov.convert(ov.constant(levels), "f32"), constant(scale))


def _added(product: Node, layer: Layer) -> Node:
    return ov.add(product, constant(layer.bias))
