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

from bench import texts
from bench.contender import HERE, Entry
from bench.machine import describe
from bench.rounds import Rounds, measure

if TYPE_CHECKING:
    from collections.abc import Iterator

ARTICLE = "the article's client"
ENTRIES = (
    Entry(ARTICLE, "client_article"),
    Entry("vecmill, characters", "client_vecmill", {"chunker": "characters"}, ours=True),
    Entry("vecmill, paragraphs", "client_vecmill", {"chunker": "paragraphs"}, ours=True),
)


def corpus(options: argparse.Namespace, path: Path) -> int:
    """Write a Parquet file of documents, the same ones again until they are enough; return its characters."""
    rows, size = [], 0
    for number, text in enumerate(cycle(texts.texts(options))):
        if size >= options.chunks * 400:
            break
        rows.append(
            {"id": str(number), "url": f"https://example.org/{number}", "title": f"Page {number}", "text": text}
        )
        size += len(text)
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=1000)
    return size


@contextmanager
def engine(processor: int) -> Iterator[str]:
    """Start the engine on a processor of its own; the value is its address."""
    command = [sys.executable, HERE / "client_server.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        os.sched_setaffinity(server.pid, {processor})
        try:
            assert server.stdout is not None  # noqa: S101 - it is a pipe
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def summary(rounds: Rounds, characters: int) -> list[dict[str, Any]]:
    """Return a row for each contender."""
    rows = []
    for name, taken in rounds.taken.items():
        chunks, cpu = taken[0]["facts"]["chunks"], rounds.median(name, "cpu")
        # By text, not by chunks: contenders cut it into chunks of different sizes.
        ratios = rounds.ratios(ARTICLE, name, "cpu") if ARTICLE in rounds.taken else []
        rows.append(
            {
                "name": name,
                "chunks": chunks,
                "chunks_per_cpu_second": round(chunks / cpu),
                "microseconds_per_chunk": round(cpu / chunks * 1e6, 1),
                "megacharacters_per_cpu_second": round(characters / cpu / 1e6, 2),
                "ratio": [round(f(ratios), 2) for f in (median, min, max)] if ratios else None,
                "peak_mb": round(max(answer["peak_mb"] for answer in taken)),
            }
        )
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    print("| client | chunks/s of one core | µs per chunk | Mcharacters/s | article = 1 (min-max) | peak MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        ratio = "{:.1f} ({:.1f}-{:.1f})".format(*row["ratio"]) if row["ratio"] else ""
        cells = (row["name"], f"{row['chunks_per_cpu_second']:,}", row["microseconds_per_chunk"])
        print("|", " | ".join(map(str, (*cells, row["megacharacters_per_cpu_second"], ratio, row["peak_mb"]))), "|")


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    texts.add_options(parser)
    parser.add_argument("--chunks", type=int, default=40_000, help="of 400 characters")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "client.json")
    options = parser.parse_args()
    *_, theirs, mine = sorted(os.sched_getaffinity(0)) * 2
    with tempfile.TemporaryDirectory() as name, engine(mine) as url:
        folder = Path(name)
        characters = corpus(options, folder / "corpus.parquet")
        (given := folder / "given.json").write_text(json.dumps({"url": url}))
        settings = {"corpus": str(folder / "corpus.parquet"), "scratch": name, "url": url, "processor": theirs}
        rounds = measure(ENTRIES, given, folder, seconds=options.seconds, most=options.rounds, **settings)
    rows = summary(rounds, characters)
    show(rows)
    for absent, why in rounds.unavailable.items():
        print(f"\n{absent} was not measured: {why}")
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(
        json.dumps({"machine": describe(), "rounds": options.rounds, "rows": rows}, indent=2) + "\n"
    )


if __name__ == "__main__":
    main()
