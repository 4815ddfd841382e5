"""Blank: text in which the model reads nothing, decided here for documents, chunks and what lies between chunks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vecmill.protocols import Tokenizer

_READ_BY_ALL = re.compile(r"[^\W_]")
"""A letter or a digit: found at once in almost every text, so that nothing need be counted."""


def is_blank(text: str, tokenizer: Tokenizer, start: int = 0, end: int | None = None) -> bool:
    """Return whether a text has no tokens: it is empty, whitespace, or of characters that the model drops.

    Such are zero-width spaces, byte order marks, soft hyphens, control characters; which ones depends on the model.

    Args:
        text: The text.
        tokenizer: The model's own.
        start: Where the part begins that is meant.
        end: Where it ends; by default with the text.
    """
    end = len(text) if end is None else end
    if _READ_BY_ALL.search(text, start, end):
        return False
    part = text[start:end]
    return not part or part.isspace() or not tokenizer.count([part])[0]
