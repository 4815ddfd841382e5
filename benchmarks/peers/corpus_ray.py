"""Ray Data: read, flat_map, map_batches with an actor that holds the model, write."""

from __future__ import annotations

import logging
import tempfile
from typing import TYPE_CHECKING, Any

from bench.serve import serve
from bench.slicing import slices

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Start Ray on this machine."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False

    class Embed:
        def __init__(self) -> None:
            import torch

            from peers.minilm import load_minilm

            torch.set_num_threads(2)
            self.encode = load_minilm(settings)

        def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
            return {**batch, "embedding": self.encode(batch["text"])}

    def cut(row: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"id": row["id"], "text": piece} for piece in slices(row["text"])]

    def work(given: dict[str, str]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as out:
            data = ray.data.read_parquet(given["source"]).flat_map(cut)
            actors = ray.data.ActorPoolStrategy(size=1)
            made = data.map_batches(Embed, batch_size=256, compute=actors, num_cpus=1).materialize()
            made.write_parquet(out)
            return {"chunks": made.count()}

    return work


if __name__ == "__main__":
    serve(load, "ray", "sentence-transformers")
