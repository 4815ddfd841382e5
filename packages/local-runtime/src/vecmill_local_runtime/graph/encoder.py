"""Encoder: a member of the BERT family, from its tensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from openvino import opset13 as ov

from vecmill_local_runtime.graph.activations import activate
from vecmill_local_runtime.graph.linear import Layer, plain
from vecmill_local_runtime.graph.norm import layer_norm
from vecmill_local_runtime.graph.ops import axis, constant, ints, join_heads, positions, split_heads
from vecmill_local_runtime.graph.relative import relative_bias

if TYPE_CHECKING:
    from vecmill_local_runtime.graph.architecture import Architecture
    from vecmill_local_runtime.graph.linear import Project
    from vecmill_local_runtime.graph.norm import Norm
    from vecmill_local_runtime.graph.ops import Node
    from vecmill_local_runtime.tensors import Tensors

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

    def vectors(self, ids: Node, keep: Node) -> Node:
        """Return the last layer's token vectors, B L H, given ids and which of them are text, B L each."""
        x, bias = self._embed(ids), self._bias(ids, keep)
        for number in range(self._shape.layers):
            x = self._layer(x, bias, self._prefix + self._shape.names.layer.format(number))
        return x.whole()

    def _embed(self, ids: Node) -> Norm:
        words = self._tensors.take(f"{self._prefix}embeddings.word_embeddings.weight")
        places = self._tensors.take(f"{self._prefix}embeddings.position_embeddings.weight")
        types = f"{self._prefix}embeddings.token_type_embeddings.weight"
        if types in self._tensors:
            places = places + self._tensors.take(types)[0]  # every token of a lone text is of the first type
        x = ov.add(ov.gather(constant(words), ids, axis(0)), ov.gather(constant(places), self._places(ids), axis(0)))
        return layer_norm(x, self._tensors, f"{self._prefix}embeddings.LayerNorm", self._shape.epsilon)

    def _places(self, ids: Node) -> Node:
        """Return each token's row in the table of positions."""
        padding = self._shape.padding
        if padding is None:
            return positions(ids)
        real = ov.convert(ov.not_equal(ids, axis(padding)), "i64")  # also where a text spells the padding token out
        return ov.add(ov.multiply(ov.cum_sum(real, axis(1)), real), axis(padding))

    def _bias(self, ids: Node, keep: Node) -> Node:
        """Return what is added to attention scores: nothing for text, very little for padding, B 1 1 L."""
        padding = ov.convert(ov.logical_not(keep), "f32")
        bias = ov.unsqueeze(ov.multiply(padding, constant(_HIDDEN_SCORE)), ints(1, 2))
        relative = f"{self._prefix}{_RELATIVE}"
        if relative not in self._tensors:
            return bias
        longest = len(self._tensors.take(f"{self._prefix}embeddings.position_embeddings.weight"))
        return ov.add(bias, relative_bias(ids, self._tensors.take(relative), longest))

    def _layer(self, x: Norm, bias: Node, prefix: str) -> Norm:
        shape, names, tensors = self._shape, self._shape.names, self._tensors
        mixed = self._project(self._attend(x, bias, prefix), [self._weights(prefix + names.attention)])
        x = layer_norm(ov.add(x.whole(), *mixed), tensors, prefix + names.attention_norm, shape.epsilon)
        [wide] = self._linear(x, [self._weights(prefix + names.up)])
        # Never in 8-bit integers: what the activation gives is so uneven that most of the error would come from here.
        narrow = plain(activate(wide, shape.activation), [self._weights(prefix + names.down)])
        return layer_norm(ov.add(x.whole(), *narrow), tensors, prefix + names.norm, shape.epsilon)

    def _attend(self, x: Norm, bias: Node, prefix: str) -> Node:
        shape, names = self._shape, self._shape.names
        width = shape.hidden // shape.heads
        scales = {names.query: 1 / math.sqrt(width), names.key: 1.0, names.value: 1.0}
        projected = self._linear(x, [self._weights(prefix + name, scale) for name, scale in scales.items()])
        query, key, value = (split_heads(each, shape.heads, width) for each in projected)
        mixed = ov.scaled_dot_product_attention(query, key, value, bias, constant(np.float32(1)))
        return join_heads(mixed, shape.hidden)

    def _linear(self, x: Norm, layers: list[Layer]) -> list[Node]:
        return self._project(x.x, [x.into(layer) for layer in layers])

    def _weights(self, name: str, scale: float = 1.0) -> Layer:
        """Take a layer; the scale of its result goes into its numbers, where it costs no rounding."""
        weight, bias = (self._tensors.take(f"{name}.{part}") * np.float32(scale) for part in ("weight", "bias"))
        return Layer(name, weight, bias)
