"""Engine: a compiled graph, with one request for each thread that may use it at a time."""

from __future__ import annotations

import queue
from contextlib import contextmanager
from typing import TYPE_CHECKING

import openvino

from vecmill.errors import EngineError
from vecmill_local_runtime.graph.build import IDS, LENGTHS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from vecmill_local_runtime.graph.build import Graph


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

    def pooled(self, ids: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
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
