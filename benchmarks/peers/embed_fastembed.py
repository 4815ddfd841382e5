"""fastembed, with the export of the same weights as a custom model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.serve import serve

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Register the model, and load it from its folder."""
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    TextEmbedding.add_custom_model(
        model="bench/minilm",
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf="bench/minilm"),
        dim=384,
    )
    model = TextEmbedding("bench/minilm", specific_model_path=settings["model"])
    return lambda chunks: np.array(list(model.embed(chunks)), np.float32)


if __name__ == "__main__":
    serve(load, "fastembed", "onnxruntime")
