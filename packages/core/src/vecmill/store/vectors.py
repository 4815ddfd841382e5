"""Vectors: what the values of a model's output must be, how they are stored in a file, and how two are compared.

All else takes vectors for an array whose first axis is the chunk, and asks here for the rest: another kind of output is
another way of holding one chunk's value, and needs no other worker. A variant has the same rows with smaller vectors,
for readers who have less room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from vecmill.errors import StoreError
from vecmill.records.documents import CHUNK_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from vecmill.records import Output


NORM_TOLERANCE = 1e-2
"""How far from 1 the length of a normalised vector may be: room for half-precision engines, none for garbage."""
TINY = np.finfo(np.float64).tiny


def vector_type(output: Output, dtype: str | None = None) -> pa.DataType:
    """Return the Arrow type of an output's column; ``dtype`` is that of the numbers, if it is another in a variant."""
    element = pa.field("element", pa.from_numpy_dtype(np.dtype(dtype or output.dtype)), nullable=False)
    return pa.list_(element, output.dimension)


def vector_columns(schema: pa.Schema) -> list[str]:
    """Return the columns of a shard, or of a variant of it, that hold what the model gives: lists after ``tokens``."""
    after = schema.names.index(CHUNK_COLUMNS[-1]) + 1 if CHUNK_COLUMNS[-1] in schema.names else len(schema)
    return [field.name for field in list(schema)[after:] if pt.is_fixed_size_list(field.type)]


def vector_bytes(output: Output) -> int:
    """Return how many bytes a vector takes."""
    return output.dimension * np.dtype(output.dtype).itemsize


def empty_vectors(output: Output, count: int) -> npt.NDArray[np.float32]:
    """Return room for the vectors of some chunks, shape ``(count, dimension)``, all of them zero."""
    return np.zeros((count, output.dimension), np.float32)


def describe_shape(made: npt.NDArray[np.float32], count: int, output: Output) -> str | None:
    """Return what is wrong with the shape of what an engine gave for some texts; ``None`` if nothing is."""
    expected = (count, output.dimension)
    return None if made.shape == expected else f"vectors of shape {made.shape} for {count} texts, not {expected}"


def to_column(vectors: npt.NDArray[np.float32], output: Output) -> pa.Array:
    """Return vectors as they are stored in a file."""
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).ravel()), type=vector_type(output))


def from_column(column: pa.Array | pa.ChunkedArray, output: Output) -> npt.NDArray[np.float32]:
    """Return the vectors of a column, shape ``(rows, dimension)``, without a copy where there is one chunk of them.

    Raises:
        ValueError: The column is of another type, or has nulls.
    """
    kind, wanted = column.type, vector_type(output)
    fit = pt.is_fixed_size_list(kind) and (kind.list_size, kind.value_type) == (wanted.list_size, wanted.value_type)
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not fit or array.null_count or array.flatten().null_count:
        raise ValueError(
            f"its vectors are {kind} with {array.null_count} nulls, not {output.dimension} {output.dtype} each"
        )
    vectors: npt.NDArray[np.float32] = array.flatten().to_numpy().reshape(-1, output.dimension)
    return vectors


def check_vectors(vectors: npt.NDArray[np.float32], output: Output) -> dict[int, str]:
    """Return what is wrong, by row: not finite, zero, or not of unit length where it should be.

    Args:
        vectors: Shape ``(n, dimension)``.
        output: What they are: whether the model makes unit vectors.
    """
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    wrong = ~np.isfinite(norms) | (norms == 0)
    if output.normalized:
        wrong |= ~(np.abs(norms - 1) <= NORM_TOLERANCE)
    return {int(row): _describe_norm(float(norms[row])) for row in np.flatnonzero(wrong)}


def _describe_norm(norm: float) -> str:
    if not np.isfinite(norm):
        return "the vector is not finite"
    return "the vector is zero" if norm == 0 else f"the vector has length {norm:.4f}, not 1"


COSINES = {"f32": 0.999, "bf16": 0.999}
COSINE = 0.99
"""Least cosine between two vectors that a model gave one text, by precision; the second for all others.

On one machine OpenVINO gives a text the same bits in every batch. Other machines and a router's batches round
otherwise, and by less than a precision differs from f32: with MiniLM by at most 7e-5 in bf16, and by 3e-3 in int8.
"""
LENGTH = 0.05
"""Most that their lengths may differ, as a share."""


class Comparison(NamedTuple):
    """Vectors of some texts compared with those that an engine gives them now; each of shape ``(n,)``.

    Attributes:
        differ: Whether the two are not of the same text and model.
        cosines: Between the two.
        lengths: Of the stored ones.
    """

    differ: npt.NDArray[np.bool_]
    cosines: npt.NDArray[np.float64]
    lengths: npt.NDArray[np.float64]


def compare_vectors(
    stored: npt.NDArray[np.float32], made: npt.NDArray[np.float32], *precisions: str | None
) -> Comparison:
    """Compare stored vectors with those that an engine gives the same texts.

    Args:
        stored: Shape ``(n, dimension)``.
        made: The same.
        precisions: The arithmetics that made the two: what the coarser one rounds is no difference.
    """
    theirs, ours = stored.astype(np.float64), made.astype(np.float64)
    lengths, our_lengths = np.linalg.norm(theirs, axis=1), np.linalg.norm(ours, axis=1)
    cosines = (theirs * ours).sum(axis=1) / np.maximum(lengths * our_lengths, TINY)
    least = min(COSINES.get(precision or "", COSINE) for precision in precisions)
    alike = (cosines >= least) & (np.abs(lengths - our_lengths) <= LENGTH * our_lengths)
    return Comparison(~alike, cosines, lengths)


SCORED = 4096
"""Vectors whose differences from a query are in memory at a time."""


def comparable_vectors(vectors: npt.NDArray[np.float32], output: Output) -> npt.NDArray[np.float32]:
    """Return vectors as ``score_vectors`` takes them: of unit length where it is the cosine that counts.

    Args:
        vectors: Shape ``(n, dimension)``: of chunks, or of queries.
        output: What they are, and how they are compared. What the model normalises is returned as it is.
    """
    if output.similarity != "cosine" or output.normalized:
        return vectors
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    unit: npt.NDArray[np.float32] = (vectors / np.maximum(norms, TINY)[:, None]).astype(np.float32)
    return unit


def score_vectors(
    vectors: npt.NDArray[np.float32], query: npt.NDArray[np.float32], output: Output
) -> npt.NDArray[np.float32]:
    """Score vectors by their similarity with a query; the higher, the nearer.

    Args:
        vectors: Shape ``(n, dimension)``, as ``comparable_vectors`` returns them.
        query: Shape ``(dimension,)``, in the same way.
        output: How they are compared.

    Returns:
        Shape ``(n,)``: the cosine or the product, or the distance with a minus.
    """
    if output.similarity in {"cosine", "dot"}:
        scores: npt.NDArray[np.float32] = vectors @ query
        return scores
    order = 2 if output.similarity == "euclidean" else 1
    distances = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), SCORED):
        block = slice(start, start + SCORED)
        distances[block] = np.linalg.norm(vectors[block] - query, ord=order, axis=1)
    return 0 - distances  # where they are 0, the score is not -0


VARIANTS = ("float16", "int8")
"""Their names, and those of their folders in the shards' folder."""
LARGEST_INT8 = 127
ADDED = {"float16": (), "int8": ("scale",)}
"""Columns that come with the vectors of a variant."""


def refuse_clash(columns: Iterable[str], variant: str) -> None:
    """Refuse rows that have a column with the name of one that comes with a variant.

    Raises:
        StoreError: They do: a reader could not know which is which.
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
