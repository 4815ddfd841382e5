"""txtai's vectors over a stream of chunks, written with pyarrow: its own store is no Parquet."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.serve import serve
from bench.slicing import slices

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Load the model."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from txtai import Embeddings

    method = {"method": "sentence-transformers"}
    embeddings = Embeddings(path=settings["model"], gpu=False, normalize=True, **method)

    def work(given: dict[str, str]) -> dict[str, Any]:
        rows = pq.read_table(given["source"]).to_pylist()
        pairs = [(row["id"], piece) for row in rows for piece in slices(row["text"])]
        vectors = np.array(embeddings.batchtransform([piece for _, piece in pairs]), np.float32)
        columns = {
            "id": [key for key, _ in pairs],
            "text": [piece for _, piece in pairs],
            "embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 384),
        }
        with tempfile.TemporaryDirectory() as out:
            pq.write_table(pa.table(columns), f"{out}/out.parquet")
        return {"chunks": len(pairs)}

    return work


if __name__ == "__main__":
    serve(load, "txtai", "sentence-transformers")
