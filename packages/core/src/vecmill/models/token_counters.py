"""Three ways to count tokens. All give the count of the model's own tokenizer; they differ in speed."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from vecmill.protocols.tokenizer import SEPARATORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from tokenizers import Tokenizer as Exact

_WORDS = re.compile(f"[^{SEPARATORS}]+")
_REMEMBERED_CHARACTERS = 2_000_000


class TokenCounter(ABC):
    """Counts the tokens of texts, special tokens left out."""

    @abstractmethod
    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return each text's number of tokens, shape ``(len(texts),)``."""


class ExactCounter(TokenCounter):
    """Asks the model's own tokenizer, which is right by definition."""

    def __init__(self, exact: Exact) -> None:
        self._exact = exact

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return each text's number of tokens, shape ``(len(texts),)``."""
        encodings = self._exact.encode_batch_fast(texts, add_special_tokens=False)
        return np.fromiter(map(len, encodings), np.int64, len(texts))


class WordCounter(TokenCounter):
    """Remembers the counts of words and adds them up; right where the tokenizer is additive.

    Natural text repeats its words, so the slow tokenizer is asked about each of them once.
    """

    def __init__(self, exact: Exact) -> None:
        self._exact = ExactCounter(exact)
        self._known: dict[str, int] = {}
        self._characters = 0

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return each text's number of tokens, shape ``(len(texts),)``."""
        words = [_WORDS.findall(text) for text in texts]
        known = self._learn(words).__getitem__
        return np.fromiter((sum(map(known, each)) for each in words), np.int64, len(texts))

    def _learn(self, words: list[list[str]]) -> dict[str, int]:
        known = self._known
        new = list(set(chain.from_iterable(words)).difference(known))
        known.update(zip(new, self._exact.count(new).tolist(), strict=True))
        self._characters += sum(map(len, new))
        if self._characters > _REMEMBERED_CHARACTERS:
            self._known, self._characters = {}, 0
        return known
