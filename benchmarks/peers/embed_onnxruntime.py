"""onnxruntime with the export: chunks in the order they come, or sorted by length."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.serve import serve

if TYPE_CHECKING:
    from bench.serve import Work

BATCH = 32


def load(settings: dict[str, Any]) -> Work:
    """Load the export."""
    import onnxruntime
    from tokenizers import Tokenizer

    folder = Path(settings["model"])
    session = onnxruntime.InferenceSession(folder / "onnx" / "model.onnx", providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.enable_padding()

    def vectors(chunks: list[str]) -> np.ndarray:
        encodings = tokenizer.encode_batch(chunks)
        ids = np.array([each.ids for each in encodings])
        mask = np.array([each.attention_mask for each in encodings])
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        tokens = session.run(None, inputs)[0]
        pooled = (tokens * mask[:, :, None]).sum(1)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def work(chunks: list[str]) -> np.ndarray:
        order = np.argsort([-len(chunk) for chunk in chunks]) if settings.get("sorted") else np.arange(len(chunks))
        made = np.empty((len(chunks), 384), np.float32)
        for start in range(0, len(chunks), BATCH):
            rows = order[start : start + BATCH]
            made[rows] = vectors([chunks[row] for row in rows])
        return made

    return work


if __name__ == "__main__":
    serve(load, "onnxruntime", "tokenizers")
