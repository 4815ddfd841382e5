"""Norm: layer norms, whose second half is left to the layers that follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from openvino import opset13 as ov

from vecmill_local_runtime.graph.ops import Node, constant, ints

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from vecmill_local_runtime.graph.linear import Layer
    from vecmill_local_runtime.tensors import Tensors


class Norm(NamedTuple):
    """The result of a layer norm, in the parts that it is used in.

    A linear layer multiplies anyway, so the scale and the shift go into its numbers and no pass over the tokens is
    spent on them. The engine adds them to a residual in the same pass as the residual.

    Attributes:
        x: Each token's vector with a mean of 0 and a variance of 1, B L H.
        scale: What it is still to be multiplied by, shape ``(H,)``.
        shift: What is to be added then, shape ``(H,)``.
    """

    x: Node
    scale: npt.NDArray[np.float32]
    shift: npt.NDArray[np.float32]

    def whole(self) -> Node:
        """Return the norm's result, B L H."""
        return ov.add(ov.multiply(self.x, constant(self.scale)), constant(self.shift))

    def into(self, layer: Layer) -> Layer:
        """Return the layer that gives for ``x`` what the given one gives for the whole."""
        return layer._replace(weight=layer.weight * self.scale, bias=layer.bias + layer.weight @ self.shift)


def layer_norm(x: Node, tensors: Tensors, name: str, epsilon: float) -> Norm:
    """Normalize each token's vector."""
    centred = ov.mvn(x, ints(-1), True, epsilon, "INSIDE_SQRT")  # noqa: FBT003 - OpenVINO takes these by place
    return Norm(centred, tensors.take(f"{name}.weight"), tensors.take(f"{name}.bias"))
