"""sentence-transformers: as it comes, under bf16 autocast, or on its ONNX backend."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch

from bench.serve import serve

if TYPE_CHECKING:
    import numpy as np

    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Load the model."""
    from sentence_transformers import SentenceTransformer

    backend = {"backend": "onnx", "model_kwargs": {"file_name": "onnx/model.onnx"}} if settings.get("onnx") else {}
    model = SentenceTransformer(settings["model"], device="cpu", **backend)
    bf16 = settings.get("bf16", False)

    def work(chunks: list[str]) -> np.ndarray:
        with torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext():
            return model.encode(
                chunks,
                batch_size=settings.get("batch_size", 32),
                convert_to_numpy=True,
                show_progress_bar=False,
                normalize_embeddings=True,
            )

    return work


if __name__ == "__main__":
    serve(load, "sentence-transformers", "torch", "transformers", "onnxruntime")
