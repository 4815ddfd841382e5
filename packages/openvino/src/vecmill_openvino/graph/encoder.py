"""The encoder: the layers of a BERT-like model as OpenVINO operations, and the linear layers that they are made of.

A tensor is written with its axes: B texts, L tokens, H numbers per token, A attention heads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from openvino import opset13 as ov

from vecmill.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from vecmill_openvino.graph.architecture import Architecture
    from vecmill_openvino.graph.build import Tensors

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


_EXACT_GELU = {"gelu", "gelu_python"}
_TANH_GELU = {"gelu_fast", "gelu_new", "gelu_pytorch_tanh"}
_PLAIN = {"relu": ov.relu, "sigmoid": ov.sigmoid, "silu": ov.swish, "swish": ov.swish, "tanh": ov.tanh}


def activate(x: Node, name: str) -> Node:
    """Apply the activation ``name`` to each number.

    Raises:
        ModelError: There is none of that name here.
    """
    if name in _EXACT_GELU:
        return ov.gelu(x, "erf")
    if name in _TANH_GELU:
        return ov.gelu(x, "tanh")
    if name in _PLAIN:
        return _PLAIN[name](x)
    known = ", ".join(sorted({*_EXACT_GELU, *_TANH_GELU, *_PLAIN}))
    raise ModelError(f"the model's activation {name!r} is not known here; known are {known}")


BUCKETS = 32
FARTHEST = 128


def relative_bias(ids: Node, table: npt.NDArray[np.float32], longest: int) -> Node:
    """Return what is added to each attention score, 1 A L L.

    Args:
        ids: Token ids, B L.
        table: One number per bucket of distances and head, shape ``(BUCKETS, A)``.
        longest: The most tokens an input can have.
    """
    distances = np.arange(-longest + 1, longest)
    by_distance = constant(table[buckets(distances)].T)
    position = positions(ids)
    distance = ov.subtract(ov.unsqueeze(position, axis(0)), ov.unsqueeze(position, axis(1)))
    gathered = ov.gather(by_distance, ov.add(distance, axis(longest - 1)), axis(1))
    return ov.unsqueeze(gathered, axis(0))


def buckets(distances: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sort distances (key minus query) into buckets: half for each direction, exact when near, logarithmic when far."""
    half = BUCKETS // 2
    near = half // 2
    size = np.abs(distances)
    # float32, as the models were trained: the bucket's border depends on it
    growth = np.log(np.maximum(size, 1).astype(np.float32) / near) / np.float32(math.log(FARTHEST / near))
    far = near + (growth * (half - near)).astype(np.int64)
    return np.where(distances > 0, half, 0) + np.where(size < near, size, np.minimum(far, half - 1))


_HIDDEN_SCORE = -1e4
_RELATIVE = "encoder.relative_attention_bias.weight"


class Encoder:
    """Turns token ids into token vectors.

    Args:
        tensors: The weights.
        shape: The encoder's numbers and names.
        prefix: What stands before the names of the weights.
        project: How linear layers are applied.
    """

    def __init__(self, tensors: Tensors, shape: Architecture, prefix: str, project: Project = plain) -> None:
        self._tensors = tensors
        self._shape = shape
        self._prefix = prefix
        self._project = project

    def token_vectors(self, ids: Node, mask: Node) -> Node:
        """Return the last layer's token vectors, B L H, given ids and which of them are text, B L each."""
        x, bias = self._embed(ids), self._bias(ids, mask)
        for number in range(self._shape.layers):
            x = self._layer(x, bias, self._prefix + self._shape.names.layer.format(number))
        return x.result()

    def _embed(self, ids: Node) -> Norm:
        words = self._tensors.take(f"{self._prefix}embeddings.word_embeddings.weight")
        table = self._tensors.take(f"{self._prefix}embeddings.position_embeddings.weight")
        types = f"{self._prefix}embeddings.token_type_embeddings.weight"
        if types in self._tensors:
            table = table + self._tensors.take(types)[0]  # every token of a lone text is of the first type
        positioned = ov.gather(constant(table), self._position_rows(ids), axis(0))
        x = ov.add(ov.gather(constant(words), ids, axis(0)), positioned)
        return layer_norm(x, self._tensors, f"{self._prefix}embeddings.LayerNorm", self._shape.epsilon)

    def _position_rows(self, ids: Node) -> Node:
        """Return each token's row in the table of positions."""
        padding = self._shape.padding
        if padding is None:
            return positions(ids)
        real = ov.convert(ov.not_equal(ids, axis(padding)), "i64")  # also where a text spells the padding token out
        return ov.add(ov.multiply(ov.cum_sum(real, axis(1)), real), axis(padding))

    def _bias(self, ids: Node, mask: Node) -> Node:
        """Return what is added to attention scores: nothing for text, very little for padding, B 1 1 L."""
        padding = ov.convert(ov.logical_not(mask), "f32")
        bias = ov.unsqueeze(ov.multiply(padding, constant(_HIDDEN_SCORE)), ints(1, 2))
        relative = f"{self._prefix}{_RELATIVE}"
        if relative not in self._tensors:
            return bias
        longest = len(self._tensors.take(f"{self._prefix}embeddings.position_embeddings.weight"))
        return ov.add(bias, relative_bias(ids, self._tensors.take(relative), longest))

    def _layer(self, x: Norm, bias: Node, prefix: str) -> Norm:
        shape, names, tensors = self._shape, self._shape.names, self._tensors
        mixed = self._project(self._attend(x, bias, prefix), [self._weights(prefix + names.attention)])
        x = layer_norm(ov.add(x.result(), *mixed), tensors, prefix + names.attention_norm, shape.epsilon)
        [wide] = self._linear(x, [self._weights(prefix + names.up)])
        # Never in 8-bit integers: what the activation gives is so uneven that most of the error would come from here.
        narrow = plain(activate(wide, shape.activation), [self._weights(prefix + names.down)])
        return layer_norm(ov.add(x.result(), *narrow), tensors, prefix + names.norm, shape.epsilon)

    def _attend(self, x: Norm, bias: Node, prefix: str) -> Node:
        shape, names = self._shape, self._shape.names
        width = shape.hidden // shape.heads
        scales = {names.query: 1 / math.sqrt(width), names.key: 1.0, names.value: 1.0}
        projected = self._linear(x, [self._weights(prefix + name, scale) for name, scale in scales.items()])
        query, key, value = (split_heads(each, shape.heads, width) for each in projected)
        mixed = ov.scaled_dot_product_attention(query, key, value, bias, constant(np.float32(1)))
        return join_heads(mixed, shape.hidden)

    def _linear(self, x: Norm, layers: list[Layer]) -> list[Node]:
        return self._project(x.x, [x.merge_into(layer) for layer in layers])

    def _weights(self, name: str, scale: float = 1.0) -> Layer:
        """Take a layer; the scale of its result goes into its numbers, where it costs no rounding."""
        weight, bias = (self._tensors.take(f"{name}.{part}") * np.float32(scale) for part in ("weight", "bias"))
        return Layer(name, weight, bias)
