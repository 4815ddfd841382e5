"""Variants: the same rows with smaller vectors, for readers who have less room."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.store.layout import Layout
from vecmill.store.shard import parquet_file

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from vecmill_publishers.hub.upload import Upload

LARGEST_INT8 = 127


def made(upload: Upload, folder: Path) -> Upload:
    """Make the file of a variant in a folder; other files are what they are."""
    if not upload.variant:
        return upload
    target = folder / upload.variant / upload.local.name
    source = pq.ParquetFile(upload.local)
    schema = _shrunk(source.schema_arrow.empty_table(), upload.variant).schema
    with parquet_file(Layout(folder), target, schema) as parquet:
        for group in range(source.num_row_groups):
            parquet.write(_shrunk(source.read_row_group(group), upload.variant))
    entry = parquet.finished()
    return replace(upload, local=target, bytes=entry.bytes, sha256=entry.sha256, variant="")


def _shrunk(rows: pa.Table, variant: str) -> pa.Table:
    """Return rows with other vectors. With int8 comes a ``scale`` for each row."""
    place = rows.schema.get_field_index("embedding")
    width = rows.schema.field(place).type.list_size
    flat = [chunk.flatten().to_numpy() for chunk in rows.column(place).chunks]
    vectors = np.concatenate([np.empty(0, np.float32), *flat]).reshape(-1, width)
    if variant == "float16":
        return _with(rows, place, vectors.astype(np.float16))
    scales = np.maximum(np.abs(vectors).max(axis=1, initial=0), np.finfo(np.float32).tiny) / LARGEST_INT8
    shrunk = _with(rows, place, np.rint(vectors / scales[:, None]).astype(np.int8))
    field = pa.field("scale", pa.float32(), nullable=False)
    return shrunk.append_column(field, pa.array(scales.astype(np.float32)))


def _with(rows: pa.Table, place: int, vectors: npt.NDArray[np.generic]) -> pa.Table:
    element = pa.field("element", pa.from_numpy_dtype(vectors.dtype), nullable=False)
    field = pa.field("embedding", pa.list_(element, vectors.shape[1]), nullable=False)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), type=field.type)
    return rows.set_column(place, field, column)
