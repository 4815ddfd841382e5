"""The graph of a model: built from the tensors of its safetensors files, or from the ONNX file that it brings."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import openvino
from openvino import opset13 as ov
from safetensors import SafetensorError, safe_open

from vecmill.errors import ModelError
from vecmill_openvino.graph.architecture import read_architecture
from vecmill_openvino.graph.encoder import Encoder, Observer, axis, constant, ints, plain, positions, text_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from vecmill.models import ModelFolder
    from vecmill_openvino.graph.encoder import Node, Project

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
        project: How linear layers are applied; an ONNX graph has another way.

    Raises:
        ModelError: The weights are damaged, or are not what ``config.json`` says.
    """
    ids, lengths, mask = _inputs()
    with _name_model(folder):
        vectors, vocabulary = _add_encoder(folder, ids, mask, project)
        pooled = pool(vectors, ids, mask, lengths, folder.pipeline.pooling)
    return Graph(openvino.Model([pooled], [ids, lengths], "encoder"), vocabulary)


def build_observer(folder: ModelFolder) -> tuple[Graph, dict[str, int]]:
    """Build a graph that gives, in one row, the largest magnitude in each channel of the linear layers' inputs.

    Returns:
        The graph, and how many channels each input has, in the order of the row.
    """
    ids, lengths, mask = _inputs()
    observer = Observer()
    with _name_model(folder):
        _, vocabulary = _add_encoder(folder, ids, mask, observer)
    if not observer.inputs:
        raise ModelError(f"{folder.id!r} is an ONNX graph, and int8 needs safetensors: take another precision")
    text = ov.unsqueeze(ov.convert(mask, "f32"), axis(2))
    magnitudes = [ov.multiply(ov.abs(x), text) for x in observer.inputs.values()]
    row = ov.concat([ov.reduce_max(each, ints(0, 1)) for each in magnitudes], 0)
    widths = {name: x.output(0).partial_shape[2].get_length() for name, x in observer.inputs.items()}
    return Graph(openvino.Model([row], [ids, lengths], "observer"), vocabulary), widths


@contextmanager
def _name_model(folder: ModelFolder) -> Iterator[None]:
    """Put the model's name into an error."""
    try:
        yield
    except (RuntimeError, ValueError) as error:  # OpenVINO's, numpy's
        why = str(error).strip().splitlines()[-1]
        raise ModelError(
            f"{folder.id!r}: its weights do not fit its config.json ({why}): get the model's files again"
        ) from error
    except ModelError as error:
        raise ModelError(f"{folder.id!r} cannot be run: {error}: name another model or revision") from error


def _inputs() -> tuple[Node, Node, Node]:
    """Return the inputs, token ids and lengths, and which of the tokens are text."""
    ids, lengths = _input(IDS, [-1, -1]), _input(LENGTHS, [-1])
    return ids, lengths, text_mask(ids, lengths)


def _input(name: str, shape: list[int]) -> Node:
    node = ov.parameter(shape, np.int64, name)
    node.output(0).get_tensor().set_names({name})
    return node


def _add_encoder(folder: ModelFolder, ids: Node, mask: Node, project: Project) -> tuple[Node, int]:
    if folder.weights[0].suffix == ".onnx":
        return onnx_vectors(folder.weights[0], ids, mask), int(folder.config.get("vocab_size", 1 << 31))
    tensors = Tensors(path for path in folder.weights if path.parent == folder.path)
    prefix = _prefix(tensors)
    vectors = Encoder(tensors, read_architecture(folder.config), prefix, project).token_vectors(ids, mask)
    _check_complete(tensors, prefix)
    return vectors, len(tensors.take(prefix + _WORDS))


def _prefix(tensors: Tensors) -> str:
    """Return what stands before the encoder's tensors when layers for other tasks were saved with it."""
    names = [name for name in tensors.list_unused() if name.endswith(_WORDS)]
    return names[0].removesuffix(_WORDS) if names else ""


def _check_complete(tensors: Tensors, prefix: str) -> None:
    """Refuse an encoder with parts that were not used: it is a variant, and would give other vectors."""
    inside = (name.removeprefix(prefix) for name in tensors.list_unused() if name.startswith(prefix))
    extra = [name for name in inside if not name.startswith("pooler.") and not name.endswith(_BUFFERS)]
    if extra:
        raise ModelError(f"its weights hold {extra[0]}, which a model of its kind does not have")


def pool(x: Node, ids: Node, mask: Node, lengths: Node, modes: Sequence[str]) -> Node:
    """Pool token vectors; the results of several modes are put side by side.

    Args:
        x: Token vectors, B L H.
        ids: Token ids, B L.
        mask: Which tokens are text, B L, boolean.
        lengths: How many they are, B.
        modes: Out of ``vecmill.models.folder.POOLING``.
    """
    text = ov.convert(mask, "f32")
    count = ov.unsqueeze(ov.convert(lengths, "f32"), axis(1))
    ways: dict[str, Callable[[], Node]] = {
        "cls": lambda: _sum(x, _select_token(ids, axis(0))),
        "lasttoken": lambda: _sum(x, _select_token(ids, ov.unsqueeze(ov.subtract(lengths, axis(1)), axis(1)))),
        "max": lambda: _largest(x, mask),
        "mean": lambda: ov.divide(_sum(x, text), count),
        "mean_sqrt_len_tokens": lambda: ov.divide(_sum(x, text), ov.sqrt(count)),
        "weightedmean": lambda: _pool_weighted(x, ids, text),
    }
    pooled = [ways[mode]() for mode in modes]
    return ov.concat(pooled, 1) if len(pooled) > 1 else pooled[0]


def _sum(x: Node, weights: Node) -> Node:
    """Sum token vectors, B L H, with a weight for each, B L.

    As a product of matrices, also where a single token is wanted: asked for bf16, OpenVINO leaves in f32 what stands
    between the last product and the result, and along the residuals that would be every sum and norm of the encoder.
    """
    return ov.squeeze(ov.matmul(ov.unsqueeze(weights, axis(1)), x, False, False), ints(1))  # noqa: FBT003 - positional in OpenVINO


def _select_token(ids: Node, position: Node) -> Node:
    """Return weights, B L, that are 1 for the token at a position, 1 or B 1, and 0 for the others."""
    text = ov.broadcast(ov.unsqueeze(positions(ids), axis(0)), ov.shape_of(ids))
    return ov.convert(ov.equal(text, position), "f32")


def _pool_weighted(x: Node, ids: Node, text: Node) -> Node:
    """Take the mean, later tokens weighing more: 1, 2, 3 and so on."""
    number = ov.add(ov.convert(positions(ids), "f32"), constant(1.0))
    weights = ov.multiply(text, ov.unsqueeze(number, axis(0)))
    return ov.divide(_sum(x, weights), ov.unsqueeze(ov.reduce_sum(weights, axis(1)), axis(1)))


def _largest(x: Node, mask: Node) -> Node:
    return ov.reduce_max(ov.select(ov.unsqueeze(mask, axis(2)), x, constant(-np.inf)), axis(1))


_IDS, _MASK, _TYPES = "input_ids", "attention_mask", "token_type_ids"
_TOKEN_VECTORS = ("last_hidden_state", "token_embeddings")
_TOKEN_RANK = 3


def onnx_vectors(path: Path, ids: Node, mask: Node) -> Node:
    """Return an ONNX encoder's token vectors, B L H, computed from our inputs.

    Args:
        path: The ONNX file.
        ids: Token ids, B L.
        mask: Which of them are text, B L, boolean.

    Raises:
        ModelError: The file cannot be read, wants other inputs, or gives no token vectors.
    """
    model = _read_onnx(path)
    ours: dict[str, Callable[[], Node]] = {
        _IDS: lambda: ids,
        _MASK: lambda: mask,
        _TYPES: lambda: ov.multiply(ids, axis(0)),
    }
    for port in model.inputs:
        name = next((name for name in port.names if name in ours), None)
        if name is None:
            raise ModelError(f"{path} wants the input {port.any_name!r}; known here are {', '.join(ours)}")
        port.replace(ov.convert(ours[name](), port.element_type.get_type_name()).output(0))
    return _find_token_vectors(path, model)


def _read_onnx(path: Path) -> openvino.Model:
    try:
        return openvino.Core().read_model(path)
    except RuntimeError as error:
        why = str(error).strip().splitlines()[-1]
        raise ModelError(f"{path} cannot be read: {why}: get the model's files again") from error


def _find_token_vectors(path: Path, model: openvino.Model) -> Node:
    named = [port for port in model.outputs if port.names & set(_TOKEN_VECTORS)]
    found = named or [port for port in model.outputs if port.partial_shape.rank.get_length() == _TOKEN_RANK]
    if not found:
        raise ModelError(f"{path} gives no token vectors: it needs an output called {' or '.join(_TOKEN_VECTORS)}")
    return found[0].get_node().input_value(0)


_FLOATS = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
_OLD_NAMES = {".gamma": ".weight", ".beta": ".bias"}  # of a layer norm, in checkpoints that began in TensorFlow
_BF16_SHIFT = 16


class Tensors:
    """The floating-point tensors of some files, and which of them were taken.

    Args:
        files: Safetensors files.

    Raises:
        ModelError: A file is damaged.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self._stored = {name: tensor for path in files for name, tensor in _read_tensors(path)}
        self._taken: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._stored

    def take(self, name: str) -> npt.NDArray[np.float32]:
        """Return a tensor as float32.

        Raises:
            ModelError: There is none of that name.
        """
        if name not in self._stored:
            raise ModelError(
                f"the weights lack {name}: they are damaged, or of another architecture than config.json says"
            )
        self._taken.add(name)
        stored = self._stored[name]
        if stored.dtype == np.uint16:  # bfloat16 is the upper half of a float32
            return (stored.astype(np.uint32) << _BF16_SHIFT).view(np.float32)
        return stored.astype(np.float32, copy=False)

    def list_unused(self) -> list[str]:
        """Return the names of the tensors that were not taken, sorted."""
        return sorted(self._stored.keys() - self._taken)


def _read_tensors(path: Path) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    """Yield the float tensors of a file as views of it: nothing is read before it is used."""
    try:
        with safe_open(path, "numpy"):  # checks that header and file agree
            pass
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged: {error}: get the model's files again") from error
    raw = np.memmap(path, np.uint8, "r")
    start = 8 + int.from_bytes(raw[:8].tobytes(), "little")
    for name, entry in json.loads(raw[8:start].tobytes()).items():
        dtype = _FLOATS.get(entry.get("dtype", ""))
        if dtype is not None:
            first, last = entry["data_offsets"]
            shape = entry["shape"] if math.prod(entry["shape"]) else (0,)
            yield _modern_name(name), raw[start + first : start + last].view(dtype).reshape(shape)


def _modern_name(name: str) -> str:
    for old, new in _OLD_NAMES.items():
        if name.endswith(f"LayerNorm{old}"):
            return name.removesuffix(old) + new
    return name
