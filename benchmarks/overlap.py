"""What a worker adds to its embedder: a whole shard, read, cut, embedded, checked and written, against embedding alone.

    hatch run bench:overlap

Both embed the same chunks on the whole machine; a ratio of 1 means that everything else happened meanwhile. The
worker's seconds are those that its receipts report: starting the process and loading the model are not among them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench import results, table, texts
from bench.contender import Contender, Entry
from bench.model import model_folder
from bench.slicing import SIZE, slices
from corpus import write

if TYPE_CHECKING:
    from typing import Any

WORKER = Entry("vecmill worker", "corpus_vecmill", {"precision": "auto"}, ours=True)
ENGINE = Entry("vecmill embedder alone", "embed_vecmill", {"precision": "auto"}, ours=True)


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=7)
    texts.add_options(parser)
    options = parser.parse_args()
    documents = texts.sample(texts.texts(options), options.chunks * SIZE)
    chunks = [piece for text in documents for piece in slices(text)]
    with tempfile.TemporaryDirectory() as name:
        given = write(Path(name), "documents", documents)
        alone = Path(name) / "chunks.json"
        alone.write_text(json.dumps(chunks))
        taken = run(given, alone, options.rounds)
    ratios = [engine / worker for engine, worker in taken]
    report(chunks, taken, float(np.median(ratios)))


def run(documents: Path, chunks: Path, rounds: int) -> list[tuple[float, float]]:
    """Return for each round the seconds of the embedder alone and of the worker."""
    settings = {"model": str(model_folder())}
    engine, worker = Contender(ENGINE, **settings), Contender(WORKER, **settings)
    engine.work(chunks)
    taken = [(engine.work(chunks)["wall"], worker.work(documents)["facts"]["worker_seconds"]) for _ in range(rounds)]
    for contender in (engine, worker):
        contender.close()
    return taken


def report(chunks: list[str], taken: list[tuple[float, float]], ratio: float) -> None:
    """Write the results."""
    names = [(ENGINE.name, 0), (WORKER.name, 1)]
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "rate": len(chunks) / float(np.median([pair[i] for pair in taken])),
            "seconds": [pair[i] for pair in taken],
        }
        for name, i in names
    ]
    targets = [results.target("worker's rate, as a share of its embedder's alone", ratio, 0.95)]
    results.save("overlap", {"chunks": len(chunks), "clock": "wall"}, rows=rows, targets=targets, unavailable={})
    print(table.targets({"targets": targets}))


if __name__ == "__main__":
    main()
