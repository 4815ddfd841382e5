"""The model as the pipelines use it: sentence-transformers, at its best setting where they leave it to the user."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np


def load_minilm(settings: dict[str, Any]) -> Callable[[Sequence[str]], np.ndarray]:
    """Return what turns texts into vectors."""
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(settings["model"], device="cpu")

    def encode(texts: Sequence[str]) -> np.ndarray:
        with torch.autocast("cpu", torch.bfloat16) if settings.get("bf16") else contextlib.nullcontext():
            return model.encode(list(texts), convert_to_numpy=True, show_progress_bar=False)

    return encode
