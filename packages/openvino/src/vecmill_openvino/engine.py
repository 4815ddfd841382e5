"""Engine: the compiled graph, and the layers after the encoder."""

from __future__ import annotations

import queue
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import openvino

from vecmill.errors import EngineError, ModelError
from vecmill.models.weights import SAFETENSORS
from vecmill_openvino.graph.build import IDS, LENGTHS
from vecmill_openvino.tensors import Tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from vecmill.models import Dense, ModelFolder
    from vecmill_openvino.graph.build import Graph

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


def settings(precision: str, streams: int) -> dict[str, str | int]:
    """Return what OpenVINO is asked for, with one thread in each stream."""
    return {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "THROUGHPUT",
        "NUM_STREAMS": str(streams),
        "INFERENCE_NUM_THREADS": streams,
        "ENABLE_CPU_PINNING": False,  # several workers would all pin themselves to the first processors
    }


class Engine:
    """Runs a graph on as many processors as it is given, each with a stream of its own.

    One thread per stream means that a batch is computed in the same order whichever stream takes it,
    and so to the same bits.

    Args:
        graph: What to run.
        precision: ``bf16`` or ``f32``.
        streams: How many batches are computed at the same time.
    """

    def __init__(self, graph: Graph, precision: str, streams: int) -> None:
        try:
            compiled = openvino.Core().compile_model(graph.model, "CPU", settings(precision, streams))
        except RuntimeError as error:
            raise EngineError(f"OpenVINO could not compile the model: {error}") from error
        self._requests: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()
        for _ in range(streams):
            self._requests.put(compiled.create_infer_request())

    def pool_batch(self, ids: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
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
            vectors: npt.NDArray[np.float32] = results[0]
            return vectors

    @contextmanager
    def _request(self) -> Iterator[openvino.InferRequest]:
        request = self._requests.get()
        try:
            yield request
        finally:
            self._requests.put(request)
