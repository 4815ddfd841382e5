"""Cutting: texts to the model's longest input, where the server would take more or keeps its limit to itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.protocols import Tokenizer


def too_long(texts: Sequence[str], tokenizer: Tokenizer, max_tokens: int) -> npt.NDArray[np.bool_]:
    """Return which texts have more than ``max_tokens``, special tokens included."""
    return tokenizer.count(texts) + tokenizer.special_tokens > max_tokens


def cut(texts: Sequence[str], tokenizer: Tokenizer, max_tokens: int) -> Sequence[str]:
    """Return the texts, each one over ``max_tokens`` cut after its last token that fits."""
    long = too_long(texts, tokenizer, max_tokens)
    if not long.any():
        return texts
    room = max_tokens - tokenizer.special_tokens
    return [_first(text, tokenizer, room) if over else text for text, over in zip(texts, long, strict=True)]


def _first(text: str, tokenizer: Tokenizer, room: int) -> str:
    return text[: tokenizer.offsets(text)[room - 1, 1]]
