"""Cutting: texts to the model's longest input, where the server would take more or keeps its limit to itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.protocols import Tokenizer


def cut(texts: Sequence[str], tokenizer: Tokenizer, max_tokens: int) -> Sequence[str]:
    """Return the texts, each one over ``max_tokens`` cut after its last token that fits."""
    room = max_tokens - tokenizer.special_tokens
    long = tokenizer.count(texts) > room
    if not long.any():
        return texts
    return [_first(text, tokenizer, room) if over else text for text, over in zip(texts, long, strict=True)]


def _first(text: str, tokenizer: Tokenizer, room: int) -> str:
    return text[: tokenizer.offsets(text)[room - 1, 1]]
