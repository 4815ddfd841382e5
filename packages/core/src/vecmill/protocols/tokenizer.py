"""Tokenizer: the embedding model's own token counter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

SEPARATORS = " \t\r\n"


class Tokenizer(ABC):
    """Counts and places the tokens of the embedding model, exactly as the model will see them.

    Attributes:
        special_tokens: How many tokens the model adds around every text, such as ``[CLS]`` and ``[SEP]``.
        additive: Whether the counts of pieces between ``SEPARATORS`` (space, tab, return, newline; other
            whitespace may be part of a token) add up to the count of the whole.
    """

    special_tokens: int
    additive: bool

    @abstractmethod
    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Count each text's tokens, special tokens left out. Shape ``(len(texts),)``."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return each text's token ids, special tokens included, nothing cut."""

    @abstractmethod
    def offsets(self, text: str) -> npt.NDArray[np.int64]:
        """Return where each token is in ``text``: shape ``(tokens, 2)``, start and end in code points."""
