"""Peak memory of whole runs, for corpora of growing size.

    hatch run bench:memory

The model is a stand-in that makes vectors of 384 numbers out of a text's hash, so that a million chunks take
minutes; one row is the real model's. The largest process is measured, as the operating system accounts for it.
``--chunks 10000 100000 200000 400000 1000000 10000000`` takes some 15 minutes and 20 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import results, table
from bench.model import MODEL

SENTENCE = "Document {} has a handful of words in every sentence, and none of them is rare. "
CHUNKS = 100
FULL = 190_000
"""Chunks of three shards; a worker holds most from its third on, and less shows nothing about growth."""
RUN = """
import json, resource, sys
import vecmill
source, out, embedder, chunker = sys.argv[1:]
dataset = vecmill.run(vecmill.Job(
    source={"name": "jsonl", "path": source},
    chunker=json.loads(chunker),
    embedder=json.loads(embedder),
    publish=[{"name": "parquet", "path": out}],
))
peak = {who: resource.getrusage(getattr(resource, who)).ru_maxrss / 1000 for who in ("RUSAGE_SELF", "RUSAGE_CHILDREN")}
print(json.dumps({"chunks": dataset.account.chunks, "driver": peak["RUSAGE_SELF"], "worker": peak["RUSAGE_CHILDREN"]}))
"""
STAND_IN = {"name": "hash", "dimension": 384, "max_tokens": 256}
REAL = {"name": "openvino", "model": MODEL}


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, nargs="+", default=[10_000, 200_000, 1_000_000])
    parser.add_argument("--real", type=int, default=4_000, help="chunks for the real model; 0 for none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stand_ins(folder)
        rows = [{"model": "stand-in", **measure(folder, count, STAND_IN)} for count in options.chunks]
        if options.real:
            rows.append({"model": "MiniLM", **measure(folder, options.real, REAL)})
    targets = [growth(who, rows) for who in ("worker", "driver")]
    real = [row["worker"] for row in rows if row["model"] == "MiniLM"]
    targets += [results.target("worker's peak with the real model, MB", peak, 700, most=True) for peak in real]
    results.save("memory", {"clock": "none"}, rows=rows, targets=targets, unavailable={})
    print(table.peaks({"rows": rows}), table.targets({"targets": targets}), sep="\n\n")


def growth(who: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the target about growth."""
    first, *_, last = (row[who] for row in rows if row["model"] == "stand-in" and row["chunks"] >= FULL)
    return results.target(f"{who}'s peak, the largest corpus over that of 200,000 chunks", last / first, 1.1, most=True)


def stand_ins(folder: Path) -> None:
    """Install the plugin with the stand-in, for the workers too."""
    info = folder / "site" / "stand_ins-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stand_ins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vecmill]\nstand-ins = vecmill.testing.plugin\n")


def measure(folder: Path, chunks: int, embedder: dict[str, Any]) -> dict[str, Any]:
    """Run a job in a process of its own; return its chunks, and the peaks of its driver and its worker in MB."""
    source = folder / "corpus.jsonl"
    with source.open("w") as file:
        for number in range(chunks // CHUNKS):
            text = SENTENCE.format(number) * CHUNKS
            file.write(json.dumps({"id": str(number), "text": text}) + "\n")
    chunker = {"name": "characters", "size": len(text) // CHUNKS + 1}
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [sys.executable, "-c", RUN, str(source), f"{out}/dataset", json.dumps(embedder), json.dumps(chunker)]
        paths = [str(folder / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env)
    print(done.stdout.strip(), file=sys.stderr)
    peaks: dict[str, Any] = json.loads(done.stdout)
    return peaks


if __name__ == "__main__":
    main()
