"""Variants: the same rows with smaller vectors, for readers who have less room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.errors import StoreError
from vecmill.store.columns import vector_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy.typing as npt

VARIANTS = ("float16", "int8")
"""Their names, and those of their folders beside the shards."""
LARGEST_INT8 = 127
ADDED = {"float16": (), "int8": ("scale",)}
"""Columns that come with the vectors of a variant."""


def refuse_clash(columns: Iterable[str], variant: str) -> None:
    """Refuse rows that have a column of their own by the name of one that comes with a variant.

    Raises:
        StoreError: They do: no reader tells the two apart.
    """
    clash = [name for name in ADDED[variant] if name in columns]
    if clash:
        raise StoreError(
            f"{variant} vectors come with a column {clash[0]!r}, and the rows have one of that name from source.keep: "
            f"leave {variant} out of vectors, or the column out of the run"
        )


def shrink_vectors(rows: pa.Table, variant: str) -> pa.Table:
    """Return rows with other vectors. With int8 comes a ``scale`` for each row.

    Raises:
        StoreError: They have a column of that name.
    """
    refuse_clash(rows.column_names, variant)
    (name,) = vector_columns(rows.schema)
    position = rows.schema.get_field_index(name)
    width = rows.schema.field(position).type.list_size
    flat = [chunk.flatten().to_numpy() for chunk in rows.column(position).chunks]
    vectors = np.concatenate([np.empty(0, np.float32), *flat]).reshape(-1, width)
    if variant == "float16":
        return _with(rows, position, vectors.astype(np.float16))
    scales = np.maximum(np.abs(vectors).max(axis=1, initial=0), np.finfo(np.float32).tiny) / LARGEST_INT8
    shrunk = _with(rows, position, np.rint(vectors / scales[:, None]).astype(np.int8))
    field = pa.field(*ADDED[variant], pa.float32(), nullable=False)
    return shrunk.append_column(field, pa.array(scales.astype(np.float32)))


def check_variant(shard: Path, path: Path, variant: str) -> Iterator[str]:
    """Yield where a file is not the shard with smaller vectors; no manifest has its hash, but the shard decides it."""
    source, found = pq.ParquetFile(shard), pq.ParquetFile(path)
    try:
        refuse_clash(source.schema_arrow.names, variant)
    except StoreError as error:
        yield str(error)
        return
    if found.metadata.num_rows != source.metadata.num_rows:
        yield f"the file has {found.metadata.num_rows} rows, and the shard {source.metadata.num_rows}"
        return
    groups = (found.read_row_group(group) for group in range(found.num_row_groups))
    pending = found.schema_arrow.empty_table()
    for group in range(source.num_row_groups):
        expected = shrink_vectors(source.read_row_group(group), variant)
        while pending.num_rows < expected.num_rows:
            pending = pa.concat_tables([pending, next(groups)])
        changed = _changed_columns(expected, pending.slice(0, expected.num_rows))
        if changed:
            yield f"{', '.join(changed)} of row group {group} are not those of the shard, made smaller"
            return
        pending = pending.slice(expected.num_rows)


def _changed_columns(expected: pa.Table, found: pa.Table) -> list[str]:
    if expected.column_names != found.column_names:
        return ["the columns"]
    return [name for name in expected.column_names if not _alike(expected.column(name), found.column(name))]


def _alike(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    # Seldom the second: a fault, or a NaN, which is not equal to itself.
    return one.type == other.type and (one.equals(other) or repr(one.to_pylist()) == repr(other.to_pylist()))


def _with(rows: pa.Table, position: int, vectors: npt.NDArray[np.generic]) -> pa.Table:
    element = pa.field("element", pa.from_numpy_dtype(vectors.dtype), nullable=False)
    field = pa.field(rows.schema.field(position).name, pa.list_(element, vectors.shape[1]), nullable=False)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), type=field.type)
    return rows.set_column(position, field, column)
