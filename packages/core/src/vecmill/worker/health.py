"""Health: whether refused texts are at fault, or the engine that refuses them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from vecmill.errors import EmbedError, UnfitEngineError
from vecmill.store.vectors import check_vectors
from vecmill.worker.engine import asked

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.protocols import Embedder
    from vecmill.records import ModelInfo

REFUSALS = 32
"""Texts refused one after the other, with none accepted between them, that raise the question."""
REACH = 4
"""A text that is accepted clears the engine for texts up to so many times its length, not for longer ones."""
ATTEMPTS = 2
"""A refusal that comes of chance is not taken for a verdict."""
PLAIN = "This is a plain sentence, which every model embeds."
"""What decides where nothing else was embedded."""


class EngineHealth:
    """What one open engine has accepted and refused, in all shards of its worker. Safe to use from many threads.

    After ``REFUSALS`` texts in a row were refused, one text decides: the longest that was embedded before or, where
    there is none long enough, the beginning of a refused one. If the engine refuses that too, the fault is the
    engine's, and no document is quarantined for it. If it accepts, the texts are at fault.
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
        """Note a text that was embedded in an earlier command: if in doubt, the engine is asked for it."""
        with self._count:
            if len(text) > len(self._witness):
                self._witness = text

    def refuse(self, texts: Sequence[str], words: str) -> None:
        """Note texts that were refused, or whose vectors are unfit.

        Args:
            texts: The texts.
            words: What the engine said of one of them, or what is wrong with its vector.

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
            text = witness if known else _beginning(min(refused, key=len))
            sent = self.note_request()
            if not self._accepts(text):
                raise self._verdict(refused, words, known=known)
            self.accept([text], sent)

    def _verdict(self, refused: Sequence[str], words: str, *, known: bool) -> UnfitEngineError:
        texts = "a text" if len(refused) == 1 else f"{len(refused)} texts one after the other"
        again = "accepted none that is nearly as long" if self._witness else "accepted none"
        if known:
            again = "then one that it had embedded before"
        return UnfitEngineError(
            f"the embedder {self._embedder.name!r} refused {texts}, and {again}; of the last one: {words}. "
            "The engine is at fault, so no document was quarantined for it: correct the server or the job's "
            "[embedder], and run the same command again"
        )

    def _accepts(self, text: str) -> bool:
        return any(self._accepts_once(text) for _ in range(ATTEMPTS))

    def _accepts_once(self, text: str) -> bool:
        try:
            with asked(self._embedder, "embed() of 1 text"):
                vectors: npt.NDArray[np.float32] = self._embedder.embed([text])
        except EmbedError:
            return False
        return not check_vectors(vectors, normalized=self._model.normalized)


def _clears(accepted: str, refused: Sequence[str]) -> bool:
    return len(accepted) * REACH >= min(map(len, refused))


def _beginning(text: str) -> str:
    """Return the first words of a text, as many as clear the engine for all of it."""
    least = -(-len(text) // REACH)
    end = text.find(" ", least)
    return text[: end if least < end < 2 * least else least]
