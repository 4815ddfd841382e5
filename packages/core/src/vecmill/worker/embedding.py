"""Embedding: a window's chunks become vectors, each one checked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from vecmill.errors import EmbedError, EngineError, UnfitEngineError
from vecmill.store.vectors import check_vectors
from vecmill.worker.engine import asked
from vecmill.worker.health import EngineHealth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    from vecmill.protocols import Embedder
    from vecmill.records import ModelInfo
    from vecmill.threads import Answer, Threads

    Texts = Callable[[npt.NDArray[np.int64]], list[str]]

SINGLY_AFTER = 4
"""Texts of a batch found to be refused, after which halves may give way to single texts."""
SINGLY_SHARE = 0.25
"""Share of refused texts from which single requests are fewer than those of halves."""


def read_from(texts: Sequence[str]) -> Texts:
    """Return what reads texts out of a list."""
    return lambda batch: [texts[number] for number in batch.tolist()]


class Pending:
    """A window on its way through the engine."""

    def __init__(self, vectors: npt.NDArray[np.float32], answers: list[Answer[dict[int, str]]]) -> None:
        self._vectors = vectors
        self._answers = answers

    def result(self) -> tuple[npt.NDArray[np.float32], dict[int, str]]:
        """Wait for the vectors, shape ``(chunks, dimension)``, and the reasons of those that failed, by index.

        Raises:
            UnfitEngineError: The engine refuses whatever it is given, so no text is at fault.
            EngineError: It failed.
        """
        failed: dict[int, str] = {}
        for answer in self._answers:
            failed.update(answer.wait())
        return self._vectors, failed


class Embedding:
    """Feeds an open embedder from as many threads as it can use.

    Args:
        embedder: The embedder.
        model: Its model.
        threads: What calls it.
        health: What is known of it from earlier shards.
    """

    def __init__(
        self, embedder: Embedder[Any], model: ModelInfo, threads: Threads, health: EngineHealth | None = None
    ) -> None:
        self._embedder = embedder
        self._model = model
        self._threads = threads
        self._health = health or EngineHealth(embedder, model)
        self._verdict: EngineError | None = None

    def submit(
        self,
        read_texts: Texts,
        count: int,
        batches: Iterable[npt.NDArray[np.int64]],
        done: Callable[[npt.NDArray[np.int64]], None],
    ) -> Pending:
        """Start to embed texts.

        Args:
            read_texts: Returns the texts with the given numbers.
            count: How many texts there are, those in no batch included.
            batches: Numbers of texts; those of a batch are read and embedded together.
            done: Called after each batch.
        """
        vectors = np.zeros((count, self._model.dimension), np.float32)

        def work(batch: npt.NDArray[np.int64]) -> dict[int, str]:
            failed = self._embed(read_texts, batch, vectors)
            done(batch)
            return failed

        return Pending(vectors, [self._threads.submit(partial(work, batch)) for batch in batches])

    def remember(self, text: str) -> None:
        """Note a text that the engine embedded in an earlier command, by which it may be tried."""
        self._health.remember(text)

    def confirm(self) -> None:
        """Make sure, before documents are quarantined for good, that the engine still works.

        Raises:
            UnfitEngineError: It refuses what it embedded before.
        """
        self._health.confirm()

    def _embed(
        self, read_texts: Texts, batch: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]
    ) -> dict[int, str]:
        """Embed a batch; when it is refused, halve it until the refused texts stand alone.

        A text whose vector is unfit is asked for once more, alone: an engine may do badly now and then.
        Where a good part of the texts is refused, halves are refused too: the rest is then asked for one by one, so
        a batch of ``n`` texts takes little more than ``n`` requests.
        """
        failed: dict[int, str] = {}
        todo, refused, answered = [batch], 0, 0
        unfit: set[int] = set()
        while todo:
            part = todo.pop()
            try:
                found = self._embed_whole(read_texts, part, vectors)
            except EmbedError as error:
                if len(part) > 1:
                    singly = refused >= SINGLY_AFTER and refused >= SINGLY_SHARE * answered
                    todo += np.array_split(part, len(part) if singly else 2)[::-1]
                    continue
                found = {int(part[0]): str(error)}
                unfit.add(int(part[0]))
                refused += 1
            answered += len(part)
            alone = self._to_ask_alone(part, found, unfit)
            unfit.update(alone)
            todo += [np.array([number]) for number in alone]
            final = {number: reason for number, reason in found.items() if number not in alone}
            if final:
                self._refuse(read_texts(np.array(list(final))), next(reversed(final.values())))
            failed |= final
        return failed

    @staticmethod
    def _to_ask_alone(part: npt.NDArray[np.int64], found: dict[int, str], unfit: set[int]) -> list[int]:
        """Return the texts to be asked for once more: not those of a batch of which none has a fit vector."""
        chance = len(part) == 1 or len(found) < len(part)
        return [number for number in found if chance and number not in unfit]

    def _embed_whole(
        self, read_texts: Texts, batch: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]
    ) -> dict[int, str]:
        """Embed texts in one call, and return what is wrong with their vectors."""
        if self._verdict is not None:
            raise self._verdict
        given = read_texts(batch)
        sent = self._health.note_request()
        with asked(self._embedder, f"embed() of {len(batch)} texts"):
            made = self._embedder.embed(given)
            self._check_shape(made, len(batch))
        vectors[batch] = made
        faults = check_vectors(made, normalized=self._model.normalized)
        good = [text for row, text in enumerate(given) if row not in faults]
        if good:
            self._health.accept(good, sent)
        return {int(batch[row]): reason for row, reason in faults.items()}

    def _refuse(self, texts: list[str], words: str) -> None:
        try:
            self._health.refuse(texts, words)
        except EngineError as error:
            self._verdict = error
            raise

    def _check_shape(self, made: npt.NDArray[np.float32], rows: int) -> None:
        """No text makes a vector wider, and no chance: with an engine that gives another shape nothing is won."""
        expected = (rows, self._model.dimension)
        if made.shape != expected:
            self._verdict = UnfitEngineError(
                f"the embedder {self._embedder.name!r} returned vectors of shape {made.shape} for {rows} texts, not "
                f"{expected}: correct the job's [embedder], or report it to the embedder's author"
            )
            raise self._verdict
