"""Building: one graph from token ids to pooled vectors, whatever the model is stored as."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import openvino
from openvino import opset13 as ov

from vecmill.errors import ModelError
from vecmill_local_runtime.graph.architecture import read_architecture
from vecmill_local_runtime.graph.encoder import Encoder
from vecmill_local_runtime.graph.linear import Observer, plain
from vecmill_local_runtime.graph.onnx import onnx_vectors
from vecmill_local_runtime.graph.ops import axis, ints, kept
from vecmill_local_runtime.graph.pooling import pool
from vecmill_local_runtime.tensors import Tensors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.models import ModelFolder
    from vecmill_local_runtime.graph.linear import Project
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


def build_graph(folder: ModelFolder, project: Project = plain) -> Graph:
    """Build the graph of a model up to and with its pooling.

    Args:
        folder: The model's files.
        project: How linear layers are applied; an ONNX graph has its own way.

    Raises:
        ModelError: The weights are damaged, or are not what ``config.json`` says.
    """
    ids, lengths, keep = _inputs()
    with _blamed(folder):
        vectors, vocabulary = _token_vectors(folder, ids, keep, project)
        pooled = pool(vectors, ids, keep, lengths, folder.pipeline.pooling)
    return Graph(openvino.Model([pooled], [ids, lengths], "encoder"), vocabulary)


def build_observer(folder: ModelFolder) -> tuple[Graph, dict[str, int]]:
    """Build a graph that gives, in one row, the largest magnitude in each channel of the linear layers' inputs.

    Returns:
        The graph, and how many channels each input has, in the order of the row.
    """
    ids, lengths, keep = _inputs()
    observer = Observer()
    with _blamed(folder):
        _, vocabulary = _token_vectors(folder, ids, keep, observer)
    if not observer.inputs:
        raise ModelError(f"{folder.id!r} is an ONNX graph, and int8 needs safetensors. Take another precision.")
    text = ov.unsqueeze(ov.convert(keep, "f32"), axis(2))
    magnitudes = [ov.multiply(ov.abs(x), text) for x in observer.inputs.values()]
    row = ov.concat([ov.reduce_max(each, ints(0, 1)) for each in magnitudes], 0)
    widths = {name: x.output(0).partial_shape[2].get_length() for name, x in observer.inputs.items()}
    return Graph(openvino.Model([row], [ids, lengths], "observer"), vocabulary), widths


@contextmanager
def _blamed(folder: ModelFolder) -> Iterator[None]:
    """Say of which model an error speaks."""
    try:
        yield
    except (RuntimeError, ValueError) as error:  # OpenVINO's, numpy's
        why = str(error).strip().splitlines()[-1]
        raise ModelError(f"{folder.id!r}: its weights do not fit its config.json ({why}).") from error
    except ModelError as error:
        raise ModelError(f"{folder.id!r} cannot be run: {error}. Name another model or revision.") from error


def _inputs() -> tuple[Node, Node, Node]:
    """Return the inputs, token ids and lengths, and which of the tokens are text."""
    ids, lengths = _input(IDS, [-1, -1]), _input(LENGTHS, [-1])
    return ids, lengths, kept(ids, lengths)


def _input(name: str, shape: list[int]) -> Node:
    node = ov.parameter(shape, np.int64, name)
    node.output(0).get_tensor().set_names({name})
    return node


def _token_vectors(folder: ModelFolder, ids: Node, keep: Node, project: Project) -> tuple[Node, int]:
    if folder.weights[0].suffix == ".onnx":
        return onnx_vectors(folder.weights[0], ids, keep), int(folder.config.get("vocab_size", 1 << 31))
    tensors = Tensors(path for path in folder.weights if path.parent == folder.path)
    prefix = _prefix(tensors)
    vectors = Encoder(tensors, read_architecture(folder.config), prefix, project).vectors(ids, keep)
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
