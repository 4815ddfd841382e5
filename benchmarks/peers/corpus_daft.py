"""Daft: read, explode, a batch function over a column, write."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from bench.serve import serve
from bench.slicing import slices
from peers.minilm import load_minilm

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Load the model and declare the functions."""
    import daft
    from daft import DataType, col

    encode = load_minilm(settings)

    @daft.udf(return_dtype=DataType.list(DataType.string()))
    def cut(texts: Any) -> list[list[str]]:
        return [slices(text) for text in texts.to_pylist()]

    @daft.udf(return_dtype=DataType.embedding(DataType.float32(), 384), batch_size=512)
    def embed(texts: Any) -> Any:
        return list(encode(texts.to_pylist()))

    def work(given: dict[str, str]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as out:
            frame = daft.read_parquet(given["source"]).select(col("id"), cut(col("text")).alias("text"))
            chunks = frame.explode("text")
            chunks.with_column("embedding", embed(col("text"))).write_parquet(out)
            return {"chunks": daft.read_parquet(out).count_rows()}

    return work


if __name__ == "__main__":
    serve(load, "daft", "sentence-transformers")
