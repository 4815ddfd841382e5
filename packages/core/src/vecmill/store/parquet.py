"""Parquet files of a dataset: their columns; written row group by row group, and read wherever they come from."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.errors import StoreError
from vecmill.records import FileEntry
from vecmill.records.documents import CHUNK_COLUMNS, DOCUMENT_COLUMNS
from vecmill.store.files import atomic
from vecmill.store.vectors import vector_bytes, vector_columns, vector_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from vecmill.records import Manifest, Output
    from vecmill.store.layout import Layout


TYPES = {"chunk_index": pa.int32(), "start": pa.int64(), "end": pa.int64(), "tokens": pa.int32()}
"""Of the columns that are not strings."""

QUARANTINE = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in DOCUMENT_COLUMNS),
        pa.field("text", pa.large_string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
    ]
)
"""``text`` is the document's where it has one; what is not valid Unicode is escaped."""


def read_column_types(shard: Path) -> dict[str, str]:
    """Return the columns of a shard, with their Arrow types as text."""
    return {field.name: str(field.type) for field in pq.read_schema(shard)}


def dataset_schema(outputs: Sequence[Output], extra: Iterable[pa.Field] = ()) -> pa.Schema:
    """Return the schema of a shard.

    Args:
        outputs: What the model gives; a column each, the last ones.
        extra: The source's extra columns; they come after ``title``.
    """
    return pa.schema(
        [
            *(pa.field(name, pa.string(), nullable=False) for name in DOCUMENT_COLUMNS),
            *extra,
            *(pa.field(name, TYPES.get(name, pa.string()), nullable=False) for name in CHUNK_COLUMNS),
            *(pa.field(output.name, vector_type(output), nullable=False) for output in outputs),
        ]
    )


def extra_columns(names: Iterable[str], outputs: Sequence[Output]) -> list[str]:
    """Return those of a dataset's columns that are the source's, besides the ones that every dataset has."""
    known = {*DOCUMENT_COLUMNS, *CHUNK_COLUMNS, *(output.name for output in outputs)}
    return [name for name in names if name not in known]


UNREADABLE = (OSError, ValueError, KeyError, pa.ArrowException)
"""What Arrow raises of a file that is damaged, or made to be: invalid UTF-8 in a text is a ``ValueError``."""
SHOWN = 200
MOST_GROUP_BYTES = 2**30
"""Of the vectors of a row group, which readers load at once: those of a run have less than half. Vectors that are all
the same take no room in a file, and their number may be anything."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise a ``StoreError`` that names the file where Arrow raises one of its errors."""
    try:
        yield
    except UNREADABLE as error:
        raise damaged_error(path, shorten(error)) from error


def check_shard(path: Path, entry: FileEntry, manifest: Manifest) -> pq.FileMetaData:
    """Return a shard's footer, if the file has the rows and the columns that its manifest says.

    Raises:
        StoreError: It is missing, damaged, or another one.
    """
    if not path.is_file():
        raise damaged_error(path, "the file is missing")
    with reading(path):
        footer = pq.read_metadata(path)
        schema = footer.schema.to_arrow_schema()
    if footer.num_rows != entry.rows:
        raise damaged_error(path, f"it has {footer.num_rows} rows, and the manifest says {entry.rows}")
    if problem := find_large_group(footer, manifest.model.output):
        raise damaged_error(path, problem)
    for field in dataset_schema(manifest.model.outputs):
        found = schema.field(field.name).type if schema.names.count(field.name) == 1 else "missing"
        if found != field.type:
            raise damaged_error(path, f"its column {field.name!r} is {found}, not {field.type}")
    return footer


def find_large_group(footer: pq.FileMetaData, output: Output) -> str | None:
    """Return what is wrong with a file that has a row group too large to be taken up; ``None`` if it has none."""
    rows = max((footer.row_group(number).num_rows for number in range(footer.num_row_groups)), default=0)
    if rows * vector_bytes(output) <= MOST_GROUP_BYTES:
        return None
    return f"one of its row groups has {rows:,} rows, too many to be taken up at once"


def damaged_error(path: Path, why: str) -> StoreError:
    """Return the error that says what is wrong with a file of a dataset."""
    return StoreError(f"{path} is not a shard of the dataset ({why}): `vecmill verify` reports all that is wrong")


def shorten(error: BaseException) -> str:
    """Return the first line of an error, of bounded length."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return first if len(first) <= SHOWN else f"{first[:SHOWN]}…"


GROUP_BYTES = 200e6
"""Of a row group, before compression: readers, and the Hub's viewer, load one at once."""
LARGE = 16_384
"""Bytes of a value that is not to be written again for each chunk of its document."""
UNEVEN = 2
"""Times ``GROUP_BYTES`` that a row group may have where rows are cut evenly and some are larger than others."""


class ParquetFile:
    """An open Parquet file."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self.rows = 0
        self._entry: FileEntry | None = None

    def write(self, table: pa.Table) -> None:
        """Write a table as one row group, or as several if it is large; an empty one leaves no trace."""
        if table.num_rows:
            sizes = np.full(table.num_rows, table.nbytes / table.num_rows)
            for group in row_groups(sizes):
                self.write_group(table[group])

    def write_group(self, table: pa.Table) -> None:
        """Write a table as one row group."""
        self._writer.write_table(table, row_group_size=table.num_rows)
        self.rows += table.num_rows

    def file_entry(self) -> FileEntry:
        """Return the file's path, size and hash, once it is closed without an error."""
        if self._entry is None:
            raise StoreError("the file is still open")
        return self._entry


@contextlib.contextmanager
def parquet_file(layout: Layout, target: Path, schema: pa.Schema, large: Iterable[str] = ()) -> Iterator[ParquetFile]:
    """Write a Parquet file of the dataset.

    Text is compressed with zstd; vectors are split by byte first, which zstd then shrinks by a seventh.
    A page index and content-defined pages let readers skip, and the Hub send only what changed.

    Args:
        layout: The dataset's folder.
        target: The file.
        schema: Its columns.
        large: Columns whose large values are in many rows: each value is written once a row group.

    Raises:
        StoreError: It cannot be written.
    """
    with atomic(target, layout.temporary) as file:
        with pq.ParquetWriter(pa.PythonFile(file, mode="w"), schema, **_settings(schema, list(large))) as writer:
            parquet = ParquetFile(writer)
            yield parquet
        entry = FileEntry(path=layout.relative(target), rows=parquet.rows, bytes=file.size, sha256=file.sha256)
        parquet._entry = entry  # noqa: SLF001 - its own module


def row_groups(sizes: npt.NDArray[Any]) -> Iterator[slice]:
    """Cut rows into row groups of about ``GROUP_BYTES``, but for a single row that is larger.

    All have the same number of rows, unless one of them would then be much too large.

    Args:
        sizes: Bytes of each row, before compression.
    """
    count = len(sizes)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    rows = max(1, int(GROUP_BYTES / max(1, ends[-1] / count))) if count else 1
    edges = np.array([*range(0, count, rows), count])
    if (np.diff(ends[edges]) > UNEVEN * GROUP_BYTES).any():
        edges = _edges(ends)
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        yield slice(start, stop)


def _edges(ends: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return where row groups begin that have as many rows as fit."""
    edges = [0]
    while edges[-1] < len(ends) - 1:
        fits = int(np.searchsorted(ends, ends[edges[-1]] + GROUP_BYTES, side="right")) - 1
        edges.append(max(edges[-1] + 1, fits))
    return np.array(edges)


def group_ends(metadata: pq.FileMetaData) -> npt.NDArray[np.int64]:
    """Return where each row group of a file ends, in rows of the file, after a zero."""
    return np.cumsum([0, *(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))])


def large_columns(table: pa.Table, names: Iterable[str]) -> list[str]:
    """Return which of these columns have values of ``LARGE`` bytes and more, on average."""
    return [name for name in names if table.column(name).nbytes >= LARGE * table.num_rows]


def _settings(schema: pa.Schema, large: list[str]) -> dict[str, Any]:
    vectors = vector_columns(schema)
    texts = [field.name for field in schema if field.name in {"id", "url", "title", "reason"}]
    plain = [field.name for field in schema if field.name not in vectors]
    if large:
        texts += [leaf for name in large if name not in texts for leaf in _leaves(schema.field(name))]
    return {
        "compression": "zstd",
        "use_dictionary": texts,
        "dictionary_pagesize_limit": int(GROUP_BYTES) if large else None,
        "column_encoding": dict.fromkeys([f"{name}.list.element" for name in vectors], "BYTE_STREAM_SPLIT"),
        "use_content_defined_chunking": True,
        "write_page_index": True,
        "write_statistics": plain,  # nobody skips a page by the least number of its vectors
    }


def _leaves(field: pa.Field) -> list[str]:
    """Return a column's paths in a Parquet file: one, or several if it is nested."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.schema([field]).empty_table(), sink)
    leaves = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    return [leaves.column(number).path for number in range(len(leaves))]
