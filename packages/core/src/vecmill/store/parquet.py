"""Parquet files of a dataset that may come from anywhere: they are opened and read, or refused with one message."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.errors import StoreError
from vecmill.store.schema import dataset_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vecmill.records import FileEntry, Manifest

UNREADABLE = (OSError, ValueError, KeyError, pa.ArrowException)
"""What Arrow raises of a file that is damaged, or made to be: invalid UTF-8 in a text is a ``ValueError``."""
SHOWN = 200
FLOAT_BYTES = 4
MOST_GROUP_BYTES = 2**30
"""Of the vectors of a row group, which readers take up whole: those of a run have less than half. Vectors that are all
the same take no room in a file, and their number may be anything."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise a ``StoreError`` that names the file where Arrow raises one of its errors."""
    try:
        yield
    except UNREADABLE as error:
        raise damaged(path, shorten(error)) from error


def check_shard(path: Path, entry: FileEntry, manifest: Manifest) -> pq.FileMetaData:
    """Return a shard's footer, if the file has the rows and the columns that its manifest says.

    Raises:
        StoreError: It is missing, damaged, or another one.
    """
    if not path.is_file():
        raise damaged(path, "the file is missing")
    with reading(path):
        footer = pq.read_metadata(path)
        schema = footer.schema.to_arrow_schema()
    if footer.num_rows != entry.rows:
        raise damaged(path, f"it has {footer.num_rows} rows, and the manifest says {entry.rows}")
    if problem := find_large_group(footer, manifest.model.dimension):
        raise damaged(path, problem)
    for field in dataset_schema(manifest.model.dimension):
        found = schema.field(field.name).type if schema.names.count(field.name) == 1 else "missing"
        if found != field.type:
            raise damaged(path, f"its column {field.name!r} is {found}, not {field.type}")
    return footer


def find_large_group(footer: pq.FileMetaData, dimension: int) -> str | None:
    """Return what is wrong with a file that has a row group too large to be taken up; ``None`` if it has none."""
    rows = max((footer.row_group(number).num_rows for number in range(footer.num_row_groups)), default=0)
    if rows * dimension * FLOAT_BYTES <= MOST_GROUP_BYTES:
        return None
    return f"one of its row groups has {rows:,} rows, too many to be taken up at once"


def damaged(path: Path, why: str) -> StoreError:
    """Return the error that says what is wrong with a file of a dataset."""
    return StoreError(f"{path} is not a shard of the dataset ({why}): `vecmill verify` tells all that is wrong")


def shorten(error: BaseException) -> str:
    """Return the first line of an error, of bounded length."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return first if len(first) <= SHOWN else f"{first[:SHOWN]}…"
