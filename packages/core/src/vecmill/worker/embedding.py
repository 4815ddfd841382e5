"""Embedding: a window's chunks become vectors, each one checked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from vecmill.errors import EmbedError, EngineError
from vecmill.store.vectors import check_vectors
from vecmill.worker.engine import asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

    from vecmill.protocols import Embedder
    from vecmill.records import ModelInfo
    from vecmill.threads import Answer, Threads


class Pending:
    """A window on its way through the engine."""

    def __init__(self, vectors: npt.NDArray[np.float32], answers: list[Answer[dict[int, str]]]) -> None:
        self._vectors = vectors
        self._answers = answers

    def result(self) -> tuple[npt.NDArray[np.float32], dict[int, str]]:
        """Wait for the vectors, shape ``(chunks, dimension)``, and the reasons of those that failed, by index."""
        failed: dict[int, str] = {}
        for answer in self._answers:
            failed.update(answer.wait())
        return self._vectors, failed


class Embedding:
    """Feeds an open embedder from as many threads as it can use."""

    def __init__(self, embedder: Embedder[Any], model: ModelInfo, threads: Threads) -> None:
        self._embedder = embedder
        self._model = model
        self._threads = threads

    def submit(
        self, texts: list[str], batches: Iterable[npt.NDArray[np.int64]], done: Callable[[npt.NDArray[np.int64]], None]
    ) -> Pending:
        """Start to embed ``texts`` in the given batches of indices; ``done`` is called after each."""
        vectors = np.zeros((len(texts), self._model.dimension), np.float32)

        def work(batch: npt.NDArray[np.int64]) -> dict[int, str]:
            failed = self._embed(texts, batch, vectors)
            done(batch)
            return failed

        return Pending(vectors, [self._threads.submit(partial(work, batch)) for batch in batches])

    def _embed(
        self, texts: list[str], batch: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]
    ) -> dict[int, str]:
        """Embed a batch; when a text of it is refused, halve it until that text stands alone."""
        try:
            with asked(self._embedder, f"embed() of {len(batch)} texts"):
                made = self._embedder.embed([texts[i] for i in batch])
                self._check_shape(made, len(batch))
        except EmbedError as error:
            if len(batch) == 1:
                return {int(batch[0]): str(error)}
            middle = len(batch) // 2
            return self._embed(texts, batch[:middle], vectors) | self._embed(texts, batch[middle:], vectors)
        vectors[batch] = made
        return {int(batch[i]): reason for i, reason in check_vectors(made, normalized=self._model.normalized).items()}

    def _check_shape(self, made: npt.NDArray[np.float32], rows: int) -> None:
        expected = (rows, self._model.dimension)
        if made.shape != expected:
            raise EngineError(f"the engine returned vectors of shape {made.shape} for {rows} texts, not {expected}")
