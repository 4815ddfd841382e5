"""Documents and spans: a text of the corpus, and a chunk of it."""

from __future__ import annotations

from typing import NamedTuple


class Document(NamedTuple):
    """One text of the corpus, as a chunker sees it.

    Attributes:
        id: The document's key, unique in the corpus.
        text: The whole text. Never blank (the model reads a token in it), and always valid Unicode.
        title: Its title, or an empty string.
        url: Where it is from, or an empty string.
    """

    id: str
    text: str
    title: str = ""
    url: str = ""


class Span(NamedTuple):
    """The place of a chunk in its document: ``document.text[start:end]``.

    Attributes:
        start: First character, counted in Unicode code points from 0.
        end: One past the last character; greater than ``start``.
        tokens: The model's tokens of the chunk *as embedded* (template, prompt and special tokens
            included), if the chunker knows them; ``None`` lets the worker count.
    """

    start: int
    end: int
    tokens: int | None = None
