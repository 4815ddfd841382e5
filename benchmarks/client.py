"""A worker's whole side of the work, before an engine that answers at once: chunks per second of one processor.

    hatch run bench:client

vecmill's worker against the recipe of the article that it began with, over the same texts, in turn, each on a processor
of its own; the engine runs on another. Processor time is measured, so that a busy machine is busy to both. vecmill
counts each chunk's tokens, checks each vector and hashes the file besides.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench import results, table, texts
from bench.contender import HERE, Entry
from bench.rounds import Rounds, measure

if TYPE_CHECKING:
    from collections.abc import Iterator

ARTICLE = "the article's client"
CHARACTERS = "vecmill, characters"
UNIT, MORE = "chunks per processor second", {"µs a chunk": "microseconds", "peak MB": "peak_mb"}
ENTRIES = (
    Entry(ARTICLE, "client_article"),
    Entry(CHARACTERS, "client_vecmill", {"chunker": "characters"}, ours=True),
    Entry("vecmill, paragraphs", "client_vecmill", {"chunker": "paragraphs"}, ours=True),
)


def corpus(options: argparse.Namespace, path: Path) -> None:
    """Write a Parquet file of documents, the same ones again until they are enough."""
    rows, size = [], 0
    for number, text in enumerate(cycle(texts.texts(options))):
        if size >= options.chunks * 400:
            break
        rows.append(
            {"id": str(number), "url": f"https://example.org/{number}", "title": f"Page {number}", "text": text}
        )
        size += len(text)
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=1000)


@contextmanager
def engine(processor: int) -> Iterator[str]:
    """Start the engine on a processor of its own; the value is its address."""
    command = [sys.executable, str(HERE / "client_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        os.sched_setaffinity(server.pid, {processor})
        try:
            assert server.stdout is not None  # noqa: S101 - it is a pipe
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def summary(rounds: Rounds) -> list[dict[str, Any]]:
    """Return a row for each contender; ratios are by text, which contenders cut into chunks of different sizes."""
    rows = []
    for name, taken in rounds.taken.items():
        chunks, cpu = taken[0]["facts"]["chunks"], rounds.median(name, "cpu")
        ratios = rounds.ratios(ARTICLE, name, "cpu")
        rows.append(
            {
                "name": name,
                "rate": round(chunks / cpu),
                "microseconds": round(cpu / chunks * 1e6, 1),
                **{key: round(f(ratios), 2) for key, f in (("ratio", median), ("least", min), ("most", max))},
                "peak_mb": round(max(answer["peak_mb"] for answer in taken)),
            }
        )
    return rows


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    texts.add_options(parser)
    parser.add_argument("--chunks", type=int, default=40_000, help="of 400 characters")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=240)
    options = parser.parse_args()
    *_, theirs, mine = sorted(os.sched_getaffinity(0)) * 2
    with tempfile.TemporaryDirectory() as name, engine(mine) as url:
        folder = Path(name)
        corpus(options, folder / "corpus.parquet")
        (given := folder / "given.json").write_text(json.dumps({"url": url}))
        settings: dict[str, Any] = {
            "corpus": str(folder / "corpus.parquet"),
            "scratch": name,
            "url": url,
            "processor": theirs,
        }
        rounds = measure(ENTRIES, given, folder, seconds=options.seconds, most=options.rounds, **settings)
    rows = summary(rounds)
    ours = next(row for row in rows if row["name"] == CHARACTERS)
    targets = [
        results.target(f"{CHARACTERS}: chunks per processor second", ours["rate"], 15_000),
        results.target(f"{CHARACTERS}: times as fast as the article's client", ours["ratio"], 8),
    ]
    about = {"clock": "cpu", "rounds": options.rounds}
    results.save("client", about, rows=rows, targets=targets, unavailable=rounds.unavailable)
    print(table.contenders({"rows": rows, "unavailable": rounds.unavailable}, UNIT, MORE))
    print(table.targets({"targets": targets}))


if __name__ == "__main__":
    main()
