"""Infinity's engine, without its server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.serve import serve

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Start the engine."""
    from infinity_emb import AsyncEmbeddingEngine, EngineArgs

    given = {"engine": "torch", "dtype": "float32", "bettertransformer": False, **settings.get("engine", {})}
    arguments = EngineArgs(model_name_or_path=settings["model"], device="cpu", lengths_via_tokenize=True, **given)
    engine = AsyncEmbeddingEngine.from_args(arguments)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(engine.astart())

    def work(chunks: list[str]) -> np.ndarray:
        vectors, _ = loop.run_until_complete(engine.embed(sentences=chunks))
        made = np.array(vectors, np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    return work


if __name__ == "__main__":
    serve(load, "infinity-emb", "torch", "optimum")
