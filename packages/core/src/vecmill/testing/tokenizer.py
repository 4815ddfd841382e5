"""WordTokenizer: a tokenizer small enough to count by hand."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import numpy as np

from vecmill.protocols import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_WORD = re.compile(r"\S+")


class WordTokenizer(Tokenizer):
    """Every word between whitespace is one token; a text has two special tokens around it."""

    special_tokens = 2
    additive = True

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Count words."""
        return np.array([len(text.split()) for text in texts], np.int64)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Number words by their hash."""
        return [[0, *(_number(word) for word in text.split()), 1] for text in texts]

    def offsets(self, text: str) -> npt.NDArray[np.int64]:
        """Return the place of each word."""
        return np.array([match.span() for match in _WORD.finditer(text)], np.int64).reshape(-1, 2)


def _number(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4).digest())
