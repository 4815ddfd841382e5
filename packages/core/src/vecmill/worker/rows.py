"""Rows: source batches become documents, or are set aside with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vecmill.chunking.blank import is_blank
from vecmill.records import Document

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from vecmill.protocols import Tokenizer


@dataclass(frozen=True, slots=True)
class Rejected:
    """A document that is not embedded, and why: ``reason`` in a word or two, ``detail`` in a sentence."""

    reason: str
    detail: str
    id: str | None = None
    url: str | None = None
    title: str | None = None
    text: str | None = None


def documents(batch: pa.RecordBatch, tokenizer: Tokenizer) -> Iterator[Document | Rejected]:
    """Yield one document, or one rejection, for every row of a source's batch, in order.

    Args:
        batch: The rows.
        tokenizer: The model's own, which decides what is blank.
    """
    rows = batch.num_rows
    texts, ids = _strings(batch, "text"), _strings(batch, "id")
    titles, urls, problems = (_strings(batch, name) for name in ("title", "url", "problem"))
    for row in range(rows):
        yield _document(ids[row], texts[row], titles[row], urls[row], problems[row], tokenizer)


def _document(
    id_: str | bytes | None,
    text: str | bytes | None,
    title: str | bytes | None,
    url: str | bytes | None,
    problem: object,
    tokenizer: Tokenizer,
) -> Document | Rejected:
    fault = _fault(id_, text, problem, tokenizer)
    if fault is None and isinstance(id_, str) and isinstance(text, str):
        return Document(id_, text, _readable(title) or "", _readable(url) or "")
    reason, detail = fault or ("unreadable", "the row could not be read")
    return Rejected(reason, detail, _readable(id_), _readable(url), _readable(title), _readable(text))


def _fault(
    id_: str | bytes | None, text: str | bytes | None, problem: object, tokenizer: Tokenizer
) -> tuple[str, str] | None:
    if problem is not None:
        return "unreadable", str(problem)
    if not id_:
        return "null id", "the id is null" if id_ is None else "the id is empty"
    if text is None:
        return "null text", "the text is null"
    if isinstance(id_, bytes) or isinstance(text, bytes):
        return "invalid unicode", f"the {'id' if isinstance(id_, bytes) else 'text'} is not valid Unicode"
    if is_blank(text, tokenizer):
        return "blank text", "the text is empty, or the model reads no token in it"
    return None


def _strings(batch: pa.RecordBatch, name: str) -> list[str | bytes | None]:
    """Return a column's values; a value that is not valid UTF-8 comes as bytes, a missing column as nulls."""
    if name not in batch.schema.names:
        return [None] * batch.num_rows
    column = batch.column(name)
    try:
        values: list[str | bytes | None] = column.to_pylist()
    except UnicodeDecodeError:
        import pyarrow as pa

        values = [_decoded(value) for value in column.cast(pa.large_binary()).to_pylist()]
    return values


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value


def _readable(value: str | bytes | None) -> str | None:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value
