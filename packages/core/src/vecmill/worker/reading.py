"""Reading: a partition becomes windows of chunks, and a list of quarantined documents."""

from __future__ import annotations

import collections
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vecmill.chunking.packing import is_blank
from vecmill.errors import PluginError, SourceError, VecmillError, describe_error
from vecmill.protocols.component import check_prefix, make_prefix
from vecmill.records import Account, Document
from vecmill.sources.batches import MEANINGFUL, load, row_bytes
from vecmill.sources.corpus import Corpus
from vecmill.worker.window import Window, count_utf8_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vecmill.protocols import Chunker, Source, Tokenizer
    from vecmill.records import ShardTask, Span


@dataclass(frozen=True, slots=True)
class Rejected:
    """A document that is not embedded, and why: ``reason`` in a word or two, ``detail`` in a sentence."""

    reason: str
    detail: str
    id: str | None = None
    url: str | None = None
    title: str | None = None
    text: str | None = None


def iterate_documents(batch: pa.RecordBatch, tokenizer: Tokenizer) -> Iterator[Document | Rejected]:
    """Yield one document, or one rejection, for every row of a source's batch, in order.

    Args:
        batch: The rows.
        tokenizer: The model's, which decides what is blank.
    """
    rows = batch.num_rows
    texts, ids = _read_strings(batch, "text"), _read_strings(batch, "id")
    titles, urls, problems = (_read_strings(batch, name) for name in ("title", "url", "problem"))
    for row in range(rows):
        yield _read_document(ids[row], texts[row], titles[row], urls[row], problems[row], tokenizer)


def _read_document(
    id_: str | bytes | None,
    text: str | bytes | None,
    title: str | bytes | None,
    url: str | bytes | None,
    problem: object,
    tokenizer: Tokenizer,
) -> Document | Rejected:
    found = _find_problem(id_, text, problem, tokenizer)
    if found is None and isinstance(id_, str) and isinstance(text, str):
        return Document(id_, text, _decode_text(title) or "", _decode_text(url) or "")
    reason, detail = found or ("unreadable", "the row could not be read")
    return Rejected(reason, detail, _decode_text(id_), _decode_text(url), _decode_text(title), _decode_text(text))


def _find_problem(
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


def _read_strings(batch: pa.RecordBatch, name: str) -> list[str | bytes | None]:
    """Return a column's values: bytes for a value that is not valid UTF-8, nulls for a missing column."""
    if name not in batch.schema.names:
        return [None] * batch.num_rows
    column = batch.column(name)
    try:
        values: list[str | bytes | None] = column.to_pylist()
    except UnicodeDecodeError:
        import pyarrow as pa

        values = [_decode_value(value) for value in column.cast(pa.large_binary()).to_pylist()]
    return values


def _decode_value(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return value


def _decode_text(value: str | bytes | None) -> str | None:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value


class ExtraColumns:
    """The extra columns by the plan: every shard has exactly these, whatever rows it has.

    Attributes:
        fields: Their Arrow fields.
    """

    def __init__(self, task: ShardTask) -> None:
        self.fields = load(task.spec.keep)
        self._shard = task.index

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return these columns of some of the source's rows.

        Raises:
            SourceError: The rows have other columns, or values that do not fit.
        """
        planned = [field.name for field in self.fields]
        found = [name for name in batch.schema.names if name not in MEANINGFUL]
        if sorted(found) != sorted(planned):
            raise SourceError(
                f"shard {self._shard} has the extra columns {_format_names(found)}, and the first rows of the corpus "
                f"have {_format_names(planned)}: make them the same, or report it to the source's author"
            )
        return self._cast(batch.select(planned)) if planned else batch.select([])

    def _cast(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        columns = [self._column(rows.column(field.name), field) for field in self.fields]
        return pa.RecordBatch.from_arrays(columns, schema=pa.schema(self.fields))

    def _column(self, column: pa.Array, field: pa.Field) -> pa.Array:
        try:
            return column.cast(field.type)
        except pa.ArrowException as error:
            raise SourceError(
                f"the column {field.name!r} holds {column.type} in shard {self._shard}, and {field.type} in the first "
                f"rows of the corpus: make them the same, or take it out of source.keep ({error})"
            ) from error


def _format_names(names: list[str]) -> str:
    return ", ".join(names) or "none"


WINDOW_CHUNKS = 8192
"""Chunks sorted, embedded and written together: enough to sort by length, few enough to hold two windows in memory."""
WINDOW_BYTES = 400_000_000
"""Text and extra columns of the rows read for a window: as much as so many chunks of the longest models."""


class Reading:
    """One pass over a partition.

    Attributes:
        documents_in: Documents read so far.
        bytes_in: About how many bytes of text they were.
        extra: The extra columns.
        ids: The ids of the documents that were read without an error, with their number in the partition.
    """

    def __init__(self, task: ShardTask, source: Source[Any], chunker: Chunker[Any]) -> None:
        self._task = task
        self.extra = ExtraColumns(task)
        self._corpus = Corpus(source)
        self._chunker = chunker
        self._duplicates = frozenset(task.duplicates)
        self.documents_in = 0
        self.bytes_in = 0
        self._rejected: list[tuple[int, Rejected]] = []
        self._shortened_titles = 0
        self.ids: dict[str, int] = {}

    def windows(self) -> Iterator[tuple[Window, pa.Table]]:
        """Yield windows of complete documents, each with the extra columns of its source rows.

        Raises:
            SourceError: The partition holds other columns, or another number of documents, than planned.
            ReadError: The source failed with an error of its own or of a library.
        """
        window, tables, base, size = Window(), list[pa.RecordBatch](), 0, 0
        for batch in self._corpus.read(self._task.partition):
            extra = self.extra.of(batch)
            tables.append(extra)
            sizes = row_bytes(extra).tolist()
            for row, item in enumerate(iterate_documents(batch, self._chunker.tokenizer)):
                size += sizes[row] + self._take(window, base + row, item)
                if len(window) >= WINDOW_CHUNKS or size >= WINDOW_BYTES:
                    if window.documents:
                        yield window, pa.Table.from_batches(tables)
                    window, tables, base, size = Window(), [extra], 0, 0
            base += batch.num_rows
        if window.documents:
            yield window, pa.Table.from_batches(tables)
        self._check_count()

    def account(self) -> Account:
        """Return the part of the account that reading knows."""
        return Account(
            documents_in=self.documents_in,
            documents_quarantined=len(self._rejected),
            shortened_titles=self._shortened_titles,
        )

    def in_order(self) -> list[Rejected]:
        """Return the quarantined documents, in the order of the source."""
        return [row for _, row in sorted(self._rejected, key=lambda item: item[0])]

    def reasons(self) -> dict[str, int]:
        """Count quarantined documents by reason."""
        return dict(sorted(collections.Counter(row.reason for _, row in self._rejected).items()))

    def reject(self, document: Document, reason: str, detail: str) -> None:
        """Quarantine a document that was read."""
        self._rejected.append((self.ids[document.id], _reject_document(document, reason, detail)))

    def _take(self, window: Window, row: int, item: Document | Rejected) -> int:
        """Put a document into the window, or quarantine it; return the bytes of text that the window holds for it."""
        number = self.documents_in
        self.documents_in += 1
        if isinstance(item, Rejected):
            self._rejected.append((number, item))
        elif item.id in self.ids or item.id in self._duplicates:
            detail = f"an earlier document has the id {item.id!r} already"
            self._rejected.append((number, _reject_document(item, "duplicate id", detail)))
        else:
            self.ids[item.id] = number
            size = count_utf8_bytes(item.text)
            self.bytes_in += size
            if self._task.spec.since is not None:
                check_prefix(self._chunker, item)
            window.add(item, row, cut(self._chunker, item), make_prefix(self._chunker, item))
            self._shortened_titles += self._chunker.title(item) != item.title
            return size
        return 0

    def _check_count(self) -> None:
        planned = self._task.partition.documents
        if planned is not None and planned != self.documents_in:
            raise SourceError(
                f"shard {self._task.index} was planned with {planned} documents, and {self.documents_in} were read: "
                "the source changed since the run began: run the same command again"
            )


def _reject_document(document: Document, reason: str, detail: str) -> Rejected:
    return Rejected(reason, detail, document.id, document.url, document.title, document.text)


def cut(chunker: Chunker[Any], document: Document) -> list[Span]:
    """Return a document's chunks, checked, without those in which the model reads no token.

    Raises:
        PluginError: The chunker failed, or its spans are wrong; with its name and the document.
    """
    try:
        spans = list(chunker.spans(document))
        check_spans(document, spans, chunker.tokenizer)
    except (VecmillError, MemoryError):
        raise
    except Exception as error:
        raise PluginError(
            f"the chunker {chunker.name!r} failed at document {document.id!r}: {describe_error(error)}; "
            "it must return vecmill.Span(start, end) for each chunk; report it to the chunker's author"
        ) from error
    return [span for span in spans if not is_blank(document.text, chunker.tokenizer, span.start, span.end)]


def check_spans(document: Document, spans: Iterable[Span], tokenizer: Tokenizer) -> None:
    """Check the spans of a chunker: in order, inside the document, with nothing but blank text left out.

    Raises:
        PluginError: They are not so; with the document and the characters.
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
            raise _lost_error(document, covered, start)
        covered, previous = max(covered, end), start
    if covered < length and not is_blank(text, tokenizer, covered):
        raise _lost_error(document, covered, length)


def _lost_error(document: Document, start: int, end: int) -> PluginError:
    return PluginError(
        f"the chunker left out characters {start} to {end} of document {document.id!r}, which are not all blank: "
        "report it to the chunker's author (vecmill.testing has the check)"
    )
