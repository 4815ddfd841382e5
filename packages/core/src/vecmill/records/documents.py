"""Documents and spans: a text of the corpus, a chunk of it, and the columns that a dataset has of both."""

from __future__ import annotations

from typing import NamedTuple

DOCUMENT_COLUMNS = ("id", "url", "title")
"""What a document has once, and each of its rows has."""
CHUNK_COLUMNS = ("chunk_index", "start", "end", "text", "tokens")
"""What each row has for itself, but for what the model gives."""
VECTOR_COLUMN = "embedding"
"""What a model's one output is called, if the model does not say."""


class Document(NamedTuple):
    """One text of the corpus, as a chunker sees it.

    Attributes:
        id: The document's key, unique in the corpus.
        text: All of its text. Never blank (the model reads a token in it), and always valid Unicode.
        title: Its title, or an empty string.
        url: Where it is from, or an empty string.
    """

    id: str
    text: str
    title: str = ""
    url: str = ""


class Span(NamedTuple):
    """The position of a chunk in its document: ``document.text[start:end]``.

    Attributes:
        start: First character, counted in Unicode code points from 0.
        end: One past the last character; greater than ``start``.
        tokens: The model's tokens of the chunk *as embedded* (template, prompt and special tokens
            included), if the chunker knows them; ``None`` lets the worker count.
    """

    start: int
    end: int
    tokens: int | None = None
