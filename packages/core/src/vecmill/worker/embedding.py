"""Embedding: a window's chunks become checked vectors; refused texts are distinguished from a failing engine."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from vecmill.concurrency import check_interrupt
from vecmill.errors import EmbedError, EngineError, UnfitEngineError, check_result, name_errors
from vecmill.records import ModelInfo
from vecmill.store.vectors import check_vectors, describe_shape, empty_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    import numpy.typing as npt

    from vecmill.concurrency import Answer, Threads
    from vecmill.protocols import Embedder

    Texts = Callable[[npt.NDArray[np.int64]], list[str]]


ADVICE = "run the same command again, which resumes; if it fails again, report it to the embedder's author"


def name_embedder_errors(embedder: Embedder[Any], call: str) -> AbstractContextManager[None]:
    """Raise an ``EngineError`` with the embedder's name for an error that is not vecmill's."""
    return name_errors(f"the embedder {embedder.name!r} failed at {call}", EngineError, ADVICE)


def check_model(embedder: Embedder[Any]) -> ModelInfo:
    """Return the embedder's model.

    Raises:
        PluginError: It gives something else than a ``ModelInfo``.
    """
    return check_result(embedder.model(), ModelInfo, "embedder", embedder.name, "model()")


REFUSALS = 32
"""Texts refused in a row after which the engine is tested."""
REACH = 4
"""An accepted text proves that the engine works for texts up to so many times its length."""
ATTEMPTS = 2
"""A test is repeated, because a refusal may come by chance."""
PLAIN = "This is a plain sentence, which every model embeds."
"""The text of a test where nothing was embedded before."""


class EngineHealth:
    """What one open engine has accepted and refused, in all shards of its worker. Safe to use from many threads.

    After ``REFUSALS`` texts in a row were refused, one text decides: the longest that was embedded before or, where
    there is none long enough, the beginning of a refused one. If the engine refuses that too, the engine is to
    blame, and no document is quarantined. If it accepts, the texts are to blame.
    """

    def __init__(self, embedder: Embedder[Any], model: ModelInfo) -> None:
        self._embedder = embedder
        self._model = model
        self._count = threading.Lock()
        self._trial = threading.Lock()
        self._witness = ""
        self._refused: list[str] = []
        self._words = ""
        self._cleared = 0

    def note_request(self) -> int:
        """Return how many texts were refused so far, for ``accept``."""
        with self._count:
            return self._cleared + len(self._refused)

    def accept(self, texts: Sequence[str], refused_before: int) -> None:
        """Note texts that were embedded.

        Args:
            texts: The texts.
            refused_before: What ``note_request`` returned when they were sent: what was sent before the engine broke
                does not clear it of what it refused since.
        """
        longest = max(texts, key=len, default="")
        with self._count:
            if len(longest) > len(self._witness):
                self._witness = longest
            earlier = max(0, refused_before - self._cleared)
            if earlier and _clears(longest, self._refused[:earlier]):
                del self._refused[:earlier]
                self._cleared += earlier

    def remember(self, text: str) -> None:
        """Note a text that was embedded in an earlier command: a test may use it."""
        with self._count:
            if len(text) > len(self._witness):
                self._witness = text

    def refuse(self, texts: Sequence[str], words: str) -> None:
        """Note texts that were refused, or whose vectors are unfit.

        Args:
            texts: The texts.
            words: The engine's message for one of them, or what is wrong with its vector.

        Raises:
            UnfitEngineError: The engine refuses whatever it is given.
        """
        with self._count:
            self._refused += texts
            self._words = words
            few = len(self._refused) < REFUSALS
        if not few:
            self._try_engine()

    def confirm(self) -> None:
        """Make sure that the engine works, if no text was accepted after the last refusal.

        To be called before documents are quarantined: the engine may have broken with the last texts of a shard, or
        the shard may hold too few texts to tell.

        Raises:
            UnfitEngineError: The engine refuses what it embedded before, or any text.
        """
        with self._count:
            refused, words, witness = list(self._refused), self._words, self._witness
        if refused and not self._accepts(witness or PLAIN):
            raise self._verdict(refused, words, known=bool(witness))

    def _try_engine(self) -> None:
        with self._trial:
            with self._count:
                refused, words, witness = list(self._refused), self._words, self._witness
            if len(refused) < REFUSALS:  # another thread's trial cleared the engine
                return
            known = _clears(witness, refused)
            text = witness if known else _take_beginning(min(refused, key=len))
            sent = self.note_request()
            if not self._accepts(text):
                raise self._verdict(refused, words, known=known)
            self.accept([text], sent)

    def _verdict(self, refused: Sequence[str], words: str, *, known: bool) -> UnfitEngineError:
        texts = "a text" if len(refused) == 1 else f"{len(refused)} texts in a row"
        again = "accepted none of nearly their length" if self._witness else "accepted none"
        if known:
            again = "then one that it had embedded before"
        return UnfitEngineError(
            f"the embedder {self._embedder.name!r} refused {texts}, and {again}; the last message was: {words}. "
            "The engine is to blame, so no document was quarantined: correct the server or the job's [embedder], and "
            "run the same command again"
        )

    def _accepts(self, text: str) -> bool:
        return any(self._accepts_once(text) for _ in range(ATTEMPTS))

    def _accepts_once(self, text: str) -> bool:
        try:
            with name_embedder_errors(self._embedder, "embed() of 1 text"):
                vectors: npt.NDArray[np.float32] = self._embedder.embed([text])
        except EmbedError:
            return False
        return not check_vectors(vectors, self._model.output)


def _clears(accepted: str, refused: Sequence[str]) -> bool:
    return len(accepted) * REACH >= min(map(len, refused))


def _take_beginning(text: str) -> str:
    """Return the first words of a text, as many as clear the engine for all of it."""
    least = -(-len(text) // REACH)
    end = text.find(" ", least)
    return text[: end if least < end < 2 * least else least]


SINGLY_AFTER = 4
"""Texts of a batch found to be refused, after which halves may give way to single texts."""
SINGLY_SHARE = 0.25
"""Share of refused texts from which single requests are fewer than those of halves."""


def read_from(texts: Sequence[str]) -> Texts:
    """Return a function that reads texts from a list."""
    return lambda batch: [texts[number] for number in batch.tolist()]


class Pending:
    """A window in the engine."""

    def __init__(self, vectors: npt.NDArray[np.float32], answers: list[Answer[dict[int, str]]]) -> None:
        self._vectors = vectors
        self._answers = answers

    def result(self) -> tuple[npt.NDArray[np.float32], dict[int, str]]:
        """Wait for the vectors, shape ``(chunks, dimension)``, and the reasons of those that failed, by index.

        Raises:
            UnfitEngineError: The engine refuses whatever it is given.
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
        health: The engine's, from earlier shards.
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
        vectors = empty_vectors(self._model.output, count)

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

        A text whose vector is unfit is sent once more, alone: an engine may fail now and then.
        Where many texts are refused, halves are refused too: the rest is then sent one by one, so
        a batch of ``n`` texts takes little more than ``n`` requests.
        """
        failed: dict[int, str] = {}
        todo, refused, answered = [batch], 0, 0
        unfit: set[int] = set()
        while todo:
            check_interrupt()
            part = todo.pop()
            try:
                found = self._embed_batch(read_texts, part, vectors)
            except EmbedError as error:
                if len(part) > 1:
                    singly = refused >= SINGLY_AFTER and refused >= SINGLY_SHARE * answered
                    todo += np.array_split(part, len(part) if singly else 2)[::-1]
                    continue
                found = {int(part[0]): str(error)}
                unfit.add(int(part[0]))
                refused += 1
            answered += len(part)
            alone = self._to_send_alone(part, found, unfit)
            unfit.update(alone)
            todo += [np.array([number]) for number in alone]
            final = {number: reason for number, reason in found.items() if number not in alone}
            if final:
                self._refuse(read_texts(np.array(list(final))), next(reversed(final.values())))
            failed |= final
        return failed

    @staticmethod
    def _to_send_alone(part: npt.NDArray[np.int64], found: dict[int, str], unfit: set[int]) -> list[int]:
        """Return the texts to send once more: not those of a batch in which no vector is fit."""
        chance = len(part) == 1 or len(found) < len(part)
        return [number for number in found if chance and number not in unfit]

    def _embed_batch(
        self, read_texts: Texts, batch: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]
    ) -> dict[int, str]:
        """Embed texts in one call, and return what is wrong with their vectors."""
        if self._verdict is not None:
            raise self._verdict
        given = read_texts(batch)
        sent = self._health.note_request()
        with name_embedder_errors(self._embedder, f"embed() of {len(batch)} texts"):
            made = self._embedder.embed(given)
            self._check_shape(made, len(batch))
        vectors[batch] = made
        problems = check_vectors(made, self._model.output)
        good = [text for row, text in enumerate(given) if row not in problems]
        if good:
            self._health.accept(good, sent)
        return {int(batch[row]): reason for row, reason in problems.items()}

    def _refuse(self, texts: list[str], words: str) -> None:
        try:
            self._health.refuse(texts, words)
        except EngineError as error:
            self._verdict = error
            raise

    def _check_shape(self, made: npt.NDArray[np.float32], rows: int) -> None:
        """Raise for vectors of another shape, which no text and no chance explains: another attempt would not help."""
        if problem := describe_shape(made, rows, self._model.output):
            self._verdict = UnfitEngineError(
                f"the embedder {self._embedder.name!r} returned {problem}: correct the job's [embedder], or report it "
                "to the embedder's author"
            )
            raise self._verdict
