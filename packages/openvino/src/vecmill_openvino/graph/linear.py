"""Linear layers and layer norms, and the few OpenVINO operations that encoders are made of.

A tensor is written with its axes: B texts, L tokens, H numbers per token, A attention heads.

An encoder passes all layers that share an input together, so that their input is prepared once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from openvino import opset13 as ov

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from vecmill_openvino.tensors import Tensors


Node = Any  # OpenVINO ships no types


def constant(value: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> Node:
    """Return a constant tensor."""
    array = np.asarray(value, dtype)
    return ov.constant(np.ascontiguousarray(array) if array.ndim else array)


def ints(*values: int) -> Node:
    """Return a constant list of integers: axes, or a shape."""
    return constant(values, np.int64)


def axis(value: int) -> Node:
    """Return a constant integer."""
    return constant(value, np.int64)


def split_heads(x: Node, heads: int, width: int) -> Node:
    """Turn B L H into B A L H/A."""
    return ov.transpose(ov.reshape(x, ints(0, 0, heads, width), True), ints(0, 2, 1, 3))  # noqa: FBT003 - positional in OpenVINO


def join_heads(x: Node, hidden: int) -> Node:
    """Turn B A L H/A into B L H."""
    return ov.reshape(ov.transpose(x, ints(0, 2, 1, 3)), ints(0, 0, hidden), True)  # noqa: FBT003 - (the same)


def positions(ids: Node) -> Node:
    """Return 0, 1, 2, … for the L tokens of a text."""
    length = ov.gather(ov.shape_of(ids), axis(1), axis(0))
    return ov.range(axis(0), length, axis(1), "i64")


def text_mask(ids: Node, lengths: Node) -> Node:
    """Return which tokens are text and not padding, B L, boolean."""
    return ov.less(ov.unsqueeze(positions(ids), axis(0)), ov.unsqueeze(lengths, axis(1)))


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
    """Multiply in the precision that the engine computes in."""
    return [_multiply(x, constant(layer.weight), layer) for layer in layers]


class Observer:
    """Multiplies as ``plain`` does, and collects the inputs, each under the name of its first layer."""

    def __init__(self) -> None:
        self.inputs: dict[str, Node] = {}

    def __call__(self, x: Node, layers: Sequence[Layer]) -> list[Node]:
        """Apply layers."""
        self.inputs[layers[0].name] = x
        return plain(x, layers)


class Quantizer:
    """Multiplies 8-bit integers: weights with a scale for each output, inputs with one for all.

    A few channels of an encoder's inputs are far larger than the others and would leave those a few of the 256
    levels. So each channel is first divided by a number, and the weights are multiplied by it, which
    changes no result and evens out both (Xiao et al., SmoothQuant, 2022).

    Args:
        magnitudes: For each layer that is the first of its input, the largest value that it may get in each channel,
            shape ``(inputs,)``, without sign: with a zero in the middle the engine has less to add.
    """

    def __init__(self, magnitudes: Mapping[str, npt.NDArray[np.float32]]) -> None:
        self._magnitudes = magnitudes

    def __call__(self, x: Node, layers: Sequence[Layer]) -> list[Node]:
        """Apply layers."""
        inputs = self._magnitudes[layers[0].name] + _TINY
        smooth = _smoothing(inputs, layers)
        largest = float((inputs / smooth).max())
        bounds = constant(-largest), constant(largest * 127 / 128)
        levels = ov.fake_quantize(ov.multiply(x, constant(1 / smooth)), *bounds, *bounds, _LEVELS)
        return [_multiply(levels, _round_weight(layer.weight * smooth), layer) for layer in layers]


def _smoothing(inputs: npt.NDArray[np.float32], layers: Sequence[Layer]) -> npt.NDArray[np.float32]:
    """Return what each input channel is divided by; their geometric mean is 1."""
    weights = np.abs(np.concatenate([layer.weight for layer in layers])).max(axis=0) + _TINY
    logarithms = SMOOTHING * np.log(inputs) - (1 - SMOOTHING) * np.log(weights)
    smooth: npt.NDArray[np.float32] = np.exp(logarithms - logarithms.mean()).astype(np.float32)
    return smooth


def _round_weight(weight: npt.NDArray[np.float32]) -> Node:
    scale = np.abs(weight).max(axis=1, keepdims=True) / _LARGEST_WEIGHT + _TINY * _TINY
    levels = np.rint(weight / scale).astype(np.int8)
    return ov.multiply(ov.convert(ov.constant(levels), "f32"), constant(scale))


def _multiply(x: Node, weight: Node, layer: Layer) -> Node:
    return ov.add(ov.matmul(x, weight, False, True), constant(layer.bias))  # noqa: FBT003 - positional in OpenVINO


class Norm(NamedTuple):
    """The result of a layer norm, in the parts that it is used in.

    A linear layer multiplies anyway, so the scale and the shift go into its numbers and no pass over the tokens is
    spent on them. The engine adds them to a residual in the same pass as the residual.

    Attributes:
        x: Each token's vector with a mean of 0 and a variance of 1, B L H.
        scale: The factor of each number of ``x`` in the result, shape ``(H,)``.
        shift: What is added to the product, shape ``(H,)``.
    """

    x: Node
    scale: npt.NDArray[np.float32]
    shift: npt.NDArray[np.float32]

    def result(self) -> Node:
        """Return the norm's result, B L H."""
        return ov.add(ov.multiply(self.x, constant(self.scale)), constant(self.shift))

    def merge_into(self, layer: Layer) -> Layer:
        """Return the layer that gives for ``x`` what the given one gives for the result."""
        return layer._replace(weight=layer.weight * self.scale, bias=layer.bias + layer.weight @ self.shift)


def layer_norm(x: Node, tensors: Tensors, name: str, epsilon: float) -> Norm:
    """Normalize each token's vector."""
    centred = ov.mvn(x, ints(-1), True, epsilon, "INSIDE_SQRT")  # noqa: FBT003 - positional in OpenVINO
    return Norm(centred, tensors.take(f"{name}.weight"), tensors.take(f"{name}.bias"))
