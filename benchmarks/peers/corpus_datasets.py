"""sentence-transformers in ``datasets.map``, from Parquet to Parquet."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from bench.serve import serve
from bench.slicing import slices
from peers.minilm import load_minilm

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Load the model."""
    import datasets

    datasets.disable_progress_bars()
    encode = load_minilm(settings)

    def cut(batch: dict[str, list[str]]) -> dict[str, list[str]]:
        pairs = [(key, piece) for key, text in zip(batch["id"], batch["text"], strict=True) for piece in slices(text)]
        return {"id": [key for key, _ in pairs], "text": [piece for _, piece in pairs]}

    def work(given: dict[str, str]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as out:
            made = datasets.load_dataset("parquet", data_files=given["source"], split="train", cache_dir=out)
            chunks = made.map(cut, batched=True, remove_columns=made.column_names)
            vectors = chunks.map(lambda batch: {"embedding": encode(batch["text"])}, batched=True, batch_size=1000)
            vectors.to_parquet(f"{out}/out.parquet")
            return {"chunks": len(vectors)}

    return work


if __name__ == "__main__":
    serve(load, "datasets", "sentence-transformers")
