"""What of a dataset stays the same from version to version, in hashes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from vecmill import Dataset


def describe(dataset: Dataset, *, vectors: bool = True) -> dict[str, Any]:
    """Return a dataset's run id, its account, the sha256 of each shard's file, and a hash of each shard's rows.

    The bytes of a Parquet file depend on the version of pyarrow, which writes its own name into it and compresses as
    it likes. The rows do not: types, order and every value, vectors bit for bit; without ``vectors`` all but those.
    """
    manifest = dataset.manifest
    files = {entry.path: dataset.path / entry.path for entry in manifest.shards}
    return {
        "run_id": manifest.run_id,
        "account": manifest.account.model_dump(),
        "files": {name: _sha256(path.read_bytes()) if vectors else "" for name, path in files.items()},
        "rows": [hash_rows(path, vectors=vectors) for path in files.values()],
        "quarantined": quarantined(dataset),
    }


def hash_rows(shard: Path, *, vectors: bool) -> str:
    """Hash a shard's columns, their types and their values."""
    table = pq.read_table(shard, partitioning=None)
    rest = table.drop_columns("embedding")
    content = [[(field.name, str(field.type)) for field in table.schema], rest.to_pylist()]
    found = json.dumps(content, sort_keys=True).encode()
    return _sha256(found + read_vectors(shard).tobytes() if vectors else found)


def read_vectors(shard: Path) -> npt.NDArray[np.float32]:
    """Return a shard's vectors, shape (rows, dimension)."""
    column = pq.read_table(shard, columns=["embedding"], partitioning=None)["embedding"].combine_chunks()
    return np.asarray(column.flatten(), np.float32).reshape(len(column), -1)


def quarantined(dataset: Dataset) -> list[str | None]:
    """Return the ids of the quarantined documents."""
    entry = dataset.manifest.quarantine
    return pq.read_table(dataset.path / entry.path, columns=["id"])["id"].to_pylist() if entry else []


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
