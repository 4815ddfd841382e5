"""The loaded model: texts become token ids in padded batches, and these become vectors through a compiled graph."""

from __future__ import annotations

import importlib.resources
import queue
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import openvino

from vecmill.errors import EmbedError, EngineError, ModelError
from vecmill.models import SAFETENSORS, padding_token
from vecmill.protocols import group_by_tokens
from vecmill_openvino.graph.build import IDS, LENGTHS, Tensors, build_graph, build_observer
from vecmill_openvino.graph.encoder import Quantizer, plain
from vecmill_openvino.precision import compute_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from vecmill.models import Dense, ModelFolder
    from vecmill.protocols import Tokenizer
    from vecmill_openvino.graph.build import Graph

    Ids = npt.NDArray[np.int64]
    Vectors = npt.NDArray[np.float32]

STEP = 16  # kernels are compiled for every width; matrix units take 16 rows at a time, and are 10-20% slower between


class LoadedModel:
    """A model in memory, which embeds texts.

    Args:
        folder: The model's files.
        tokenizer: Its tokenizer.
        precision: ``int8``, ``bf16`` or ``f32``.
        streams: How many calls of ``embed`` run at the same time.
        batch_tokens: Tokens, padding included, that are computed at a time; a larger call is split.

    Raises:
        ModelError: The weights are damaged, or are not what ``config.json`` says.
    """

    def __init__(
        self, folder: ModelFolder, tokenizer: Tokenizer, precision: str, streams: int, batch_tokens: int
    ) -> None:
        project = calibrate(folder, tokenizer, calibration_texts()) if precision == "int8" else plain
        graph = build_graph(folder, project)
        self._vocabulary = graph.vocabulary
        self._engine = Engine(graph, compute_type(precision), streams)
        self._finish = PostProcessing(folder)
        self._tokenizer = tokenizer
        self._longest = folder.max_tokens
        self._ending = _count_ending(tokenizer)
        self._padding = padding_token(folder.config)
        self._dimension = folder.dimension
        self._batch_tokens = batch_tokens

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return the texts' vectors, shape ``(len(texts), dimension)``.

        Raises:
            EmbedError: The tokenizer gives a token that the model does not have.
            EngineError: OpenVINO failed.
        """
        ids = [truncate_ids(each, self._longest, self._ending) for each in self._tokenizer.encode(texts)]
        self._check_vocabulary(ids)
        lengths = np.array([len(each) for each in ids], np.int64)
        vectors = np.empty((len(ids), self._dimension), np.float32)
        for rows in group_by_tokens(lengths, self._batch_tokens):  # a batch that the worker grouped so stays one
            padded = pad_batch([ids[row] for row in rows], self._padding, self._longest)
            vectors[rows] = self._finish(self._engine.pool_batch(padded, lengths[rows]))
        return vectors

    def _check_vocabulary(self, ids: list[list[int]]) -> None:
        highest = max((token for each in ids for token in each), default=0)
        if highest >= self._vocabulary:
            raise EmbedError(f"the tokenizer gives token {highest}, but the model knows {self._vocabulary} tokens only")


def _count_ending(tokenizer: Tokenizer) -> int:
    """Return how many special tokens the tokenizer puts after a text."""
    bare, full = tokenizer.encode(["", "a"])
    pairs = zip(reversed(bare), reversed(full), strict=False)
    return next((number for number, pair in enumerate(pairs) if len(set(pair)) > 1), len(bare))


def truncate_ids(ids: list[int], longest: int, ending: int) -> list[int]:
    """Return at most ``longest`` of the tokens; the last ``ending`` of them, special ones, stay last."""
    if len(ids) <= longest:
        return ids
    return ids[: longest - ending] + ids[len(ids) - ending :]


def pad_batch(ids: Sequence[Sequence[int]], padding: int, longest: int) -> Ids:
    """Put texts of any length into one array, filled up with ``padding``.

    Args:
        ids: Each text's token ids.
        padding: The padding token.
        longest: The model has no more positions than this; the array is not made wider.

    Returns:
        Token ids, shape ``(len(ids), width)``.
    """
    width = min(_round_up(max(map(len, ids))), longest)
    batch = np.full((len(ids), width), padding, np.int64)
    for row, tokens in zip(batch, ids, strict=True):
        row[: len(tokens)] = tokens
    return batch


def _round_up(length: int) -> int:
    return max(STEP, -(-length // STEP) * STEP)


class Engine:
    """Runs a graph on as many processors as it is given, each with one stream.

    One thread per stream means that a batch is computed in the same order whichever stream takes it,
    and so to the same bits.

    Args:
        graph: What to run.
        precision: ``bf16`` or ``f32``.
        streams: How many batches are computed at the same time.

    Raises:
        EngineError: OpenVINO cannot compile the graph.
    """

    def __init__(self, graph: Graph, precision: str, streams: int) -> None:
        try:
            compiled = openvino.Core().compile_model(graph.model, "CPU", settings(precision, streams))
        except RuntimeError as error:
            raise EngineError(f"OpenVINO could not compile the model: {error}") from error
        self._requests: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()
        for _ in range(streams):
            self._requests.put(compiled.create_infer_request())

    def pool_batch(self, ids: Ids, lengths: npt.NDArray[np.int64]) -> Vectors:
        """Return the pooled vectors of a padded batch. May be called from many threads.

        Args:
            ids: Token ids, shape ``(n, width)``.
            lengths: How many of each row's tokens are text, shape ``(n,)``, at least 1.

        Raises:
            EngineError: OpenVINO failed.
        """
        with self._request() as request:
            try:
                results = request.infer({IDS: ids, LENGTHS: lengths}, share_inputs=True)
            except RuntimeError as error:
                raise EngineError(f"OpenVINO failed on a batch of {ids.shape} tokens: {error}") from error
            vectors: Vectors = results[0]
            return vectors

    @contextmanager
    def _request(self) -> Iterator[openvino.InferRequest]:
        request = self._requests.get()
        try:
            yield request
        finally:
            self._requests.put(request)


def settings(precision: str, streams: int) -> dict[str, str | int]:
    """Return the settings of OpenVINO, with one thread in each stream."""
    return {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "THROUGHPUT",
        "NUM_STREAMS": str(streams),
        "INFERENCE_NUM_THREADS": streams,
        "ENABLE_CPU_PINNING": False,  # several workers would all pin themselves to the first processors
    }


_ACTIVATIONS: dict[str, Callable[[Vectors], Vectors]] = {
    "Identity": lambda x: x,
    "ReLU": lambda x: np.maximum(x, 0),
    "Sigmoid": lambda x: np.reciprocal(np.exp(-x) + np.float32(1)),
    "Tanh": np.tanh,
}
_TINY = np.float32(1e-12)


class PostProcessing:
    """The steps after pooling: dense layers, the width that the model cuts to, and unit length where it normalizes.

    Raises:
        ModelError: A layer is damaged or has an activation that is not known here.
    """

    def __init__(self, folder: ModelFolder) -> None:
        self._kept = slice(folder.pipeline.truncated)
        self._normalized = folder.pipeline.normalized
        self._layers = [_DenseLayer(folder, dense) for dense in folder.pipeline.dense]

    def __call__(self, pooled: Vectors) -> Vectors:
        """Return finished vectors, shape ``(n, dimension)``."""
        for layer in self._layers:
            pooled = layer(pooled)
        pooled = pooled[:, self._kept]
        return normalize(pooled) if self._normalized else pooled


class _DenseLayer:
    def __init__(self, folder: ModelFolder, dense: Dense) -> None:
        tensors = Tensors([folder.root / dense.folder / SAFETENSORS])
        self._weight = tensors.take("linear.weight")
        self._bias = tensors.take("linear.bias") if "linear.bias" in tensors else np.float32(0)
        if self._weight.shape != (dense.outputs, dense.inputs):
            raise ModelError(
                f"{folder.id!r}: the weights in {dense.folder} do not fit its config.json: get the model's files again"
            )
        if dense.activation not in _ACTIVATIONS:
            known = ", ".join(_ACTIVATIONS)
            raise ModelError(
                f"{folder.id!r}: the activation {dense.activation!r} is not known here; known are {known}: "
                "name another model"
            )
        self._activate = _ACTIVATIONS[dense.activation]

    def __call__(self, x: Vectors) -> Vectors:
        return self._activate(x @ self._weight.T + self._bias)


def normalize(vectors: Vectors) -> Vectors:
    """Scale each vector to unit length; a zero vector stays zero."""
    norms: Vectors = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(norms, _TINY)).astype(np.float32, copy=False)


CALIBRATION = "calibration.txt"
_CALIBRATION_TOKENS = 2048
_PIECE = 40
_REPEATED_WORDS = (
    "the",
    "a",
    "word",
    "house",
    "running",
    "1",
    "0 1 2 3 4 5 6 7 8 9",
    ",",
    "12.00,",
    "{}[]();:",
    "...",
    "=",
)
_REPETITIONS = (1, 3, 20, 200)


def calibration_texts() -> list[str]:
    """Return the texts on which every int8 model is calibrated.

    Pieces of them too, since the numbers of short texts differ, and repeated words: attention usually mixes
    vectors that differ, and what comes out when they are alike is larger than in any prose.

    They are the same for every corpus: all workers, and whoever embeds queries later, must get the same model.
    """
    lines = importlib.resources.files("vecmill_openvino").joinpath(CALIBRATION).read_text("utf-8").splitlines()
    pieces = [line[at : at + _PIECE] for line in lines for at in range(0, len(line), 4 * _PIECE)]
    return lines + pieces + [" ".join([words] * times) for words in _REPEATED_WORDS for times in _REPETITIONS]


def calibrate(folder: ModelFolder, tokenizer: Tokenizer, texts: Sequence[str]) -> Quantizer:
    """Run a model in float32 over texts, and return the quantizer that makes it one of 8-bit integers.

    Raises:
        ModelError: The model is an ONNX graph: its layers are not known here.
    """
    graph, widths = build_observer(folder)
    engine = Engine(graph, "f32", streams=1)
    ids = [each[: folder.max_tokens] for each in tokenizer.encode(texts)]
    lengths = np.array([len(each) for each in ids], np.int64)
    padding = padding_token(folder.config)
    magnitudes = [
        engine.pool_batch(pad_batch([ids[row] for row in rows], padding, folder.max_tokens), lengths[rows])
        for rows in group_by_tokens(lengths, _CALIBRATION_TOKENS)
    ]
    largest = np.split(np.max(magnitudes, axis=0), np.cumsum([*widths.values()])[:-1])
    return Quantizer(dict(zip(widths, largest, strict=True)))
