"""Building: one graph from token ids to pooled vectors, whatever the model is stored as."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import openvino
from openvino import opset13 as ov

from vecmill.errors import ModelError
from vecmill_local_runtime.graph.architecture import read_architecture
from vecmill_local_runtime.graph.encoder import Encoder
from vecmill_local_runtime.graph.onnx import onnx_vectors
from vecmill_local_runtime.graph.ops import kept
from vecmill_local_runtime.graph.pooling import pool
from vecmill_local_runtime.tensors import Tensors

if TYPE_CHECKING:
    from vecmill.models import ModelFolder
    from vecmill_local_runtime.graph.ops import Node

IDS, LENGTHS = "ids", "lengths"
_WORDS = "embeddings.word_embeddings.weight"
_BUFFERS = ("position_ids", "token_type_ids")


class Graph(NamedTuple):
    """An encoder as a graph.

    Attributes:
        model: Takes ``ids`` (B L) and ``lengths`` (B), both int64; gives pooled vectors, float32.
        vocabulary: Token ids are below this.
    """

    model: openvino.Model
    vocabulary: int


def build_graph(folder: ModelFolder) -> Graph:
    """Build the graph of a model up to and with its pooling.

    Raises:
        ModelError: The weights are damaged, or are not what ``config.json`` says.
    """
    ids = _input(IDS, [-1, -1])
    lengths = _input(LENGTHS, [-1])
    keep = kept(ids, lengths)
    try:
        vectors, vocabulary = _token_vectors(folder, ids, keep)
        pooled = pool(vectors, ids, keep, lengths, folder.pipeline.pooling)
    except RuntimeError as error:
        why = str(error).strip().splitlines()[-1]
        raise ModelError(f"{folder.id!r}: its weights do not fit its config.json ({why}).") from error
    except ModelError as error:
        raise ModelError(f"{folder.id!r} cannot be run: {error}. Name another model or revision.") from error
    return Graph(openvino.Model([pooled], [ids, lengths], "encoder"), vocabulary)


def _input(name: str, shape: list[int]) -> Node:
    node = ov.parameter(shape, np.int64, name)
    node.output(0).get_tensor().set_names({name})
    return node


def _token_vectors(folder: ModelFolder, ids: Node, keep: Node) -> tuple[Node, int]:
    if folder.weights[0].suffix == ".onnx":
        return onnx_vectors(folder.weights[0], ids, keep), int(folder.config.get("vocab_size", 1 << 31))
    tensors = Tensors(path for path in folder.weights if path.parent == folder.path)
    prefix = _prefix(tensors)
    vectors = Encoder(tensors, read_architecture(folder.config), prefix).vectors(ids, keep)
    _check_complete(tensors, prefix)
    return vectors, len(tensors.take(prefix + _WORDS))


def _prefix(tensors: Tensors) -> str:
    """Return what stands before the encoder's tensors when heads for other tasks were saved beside it."""
    names = [name for name in tensors.untouched() if name.endswith(_WORDS)]
    return names[0].removesuffix(_WORDS) if names else ""


def _check_complete(tensors: Tensors, prefix: str) -> None:
    """Refuse an encoder with parts that were not used: it is a variant, and would give other vectors."""
    inside = (name.removeprefix(prefix) for name in tensors.untouched() if name.startswith(prefix))
    extra = [name for name in inside if not name.startswith("pooler.") and not name.endswith(_BUFFERS)]
    if extra:
        raise ModelError(f"its weights hold {extra[0]}, which a model of its kind does not have")
