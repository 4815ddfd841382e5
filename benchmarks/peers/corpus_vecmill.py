"""vecmill: a job from Parquet to Parquet, worker process and model loading included."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.serve import serve
from bench.slicing import SIZE

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Say which model; it is loaded in each run anew."""
    import vecmill

    chunker = settings.get("chunker", {"name": "characters", "size": SIZE})

    def work(given: dict[str, str]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as out:
            dataset = vecmill.run(
                vecmill.Job(
                    source={"name": "parquet", "path": given["source"]},
                    chunker=chunker,
                    embedder={"name": "openvino", "model": settings["model"], "precision": settings["precision"]},
                    truncate=True,  # as the others do, if in silence
                    publish=[{"name": "parquet", "path": str(Path(out) / "dataset")}],
                )
            )
            seconds = dataset.manifest.timing.worker_seconds
            return {"chunks": dataset.account.chunks, "tokens": dataset.account.tokens, "worker_seconds": seconds}

    return work


if __name__ == "__main__":
    serve(load, "vecmill", "openvino", "pyarrow")
