"""Spans: a chunker asked where to cut, and held to its law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.chunking.packing import is_blank
from vecmill.errors import PluginError, VecmillError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vecmill.protocols import Chunker, Tokenizer
    from vecmill.records import Document, Span


def cut(chunker: Chunker[Any], document: Document) -> list[Span]:
    """Return a document's chunks, checked; those in which the model reads nothing are left out.

    Raises:
        PluginError: Names the chunker and the document: it failed, or it broke its law.
    """
    try:
        spans = list(chunker.spans(document))
        check_spans(document, spans, chunker.tokenizer)
    except (VecmillError, MemoryError):
        raise
    except Exception as error:
        raise PluginError(
            f"the chunker {chunker.name!r} failed at document {document.id!r}: {type(error).__name__}: {error}; "
            "it is to return vecmill.Span(start, end) for each chunk. Report it to the chunker's author"
        ) from error
    return [span for span in spans if not is_blank(document.text, chunker.tokenizer, span.start, span.end)]


def check_spans(document: Document, spans: Iterable[Span], tokenizer: Tokenizer) -> None:
    """Hold a chunker to its law: in order, inside the document, nothing but blank text left out.

    Raises:
        PluginError: Names the document and the place.
    """
    covered = previous = 0
    text, length = document.text, len(document.text)
    for start, end, _ in spans:
        if not previous <= start < end <= length:
            raise PluginError(
                f"the chunker returned the span {start}:{end} for document {document.id!r} ({length} characters), "
                f"after one that starts at {previous}: spans must be in order, not empty, and inside the text"
            )
        if start > covered and not is_blank(text, tokenizer, covered, start):
            raise _lost(document, covered, start)
        covered, previous = max(covered, end), start
    if covered < length and not is_blank(text, tokenizer, covered):
        raise _lost(document, covered, length)


def _lost(document: Document, start: int, end: int) -> PluginError:
    return PluginError(
        f"the chunker left out characters {start} to {end} of document {document.id!r}, which are not all blank: "
        "report it to the chunker's author (vecmill.testing has the check)"
    )
