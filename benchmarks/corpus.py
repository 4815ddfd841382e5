"""From a Parquet of documents to a Parquet of chunks with vectors: vecmill's job and other pipelines.

    hatch run bench:corpus

The same documents, the same slices of 400 characters, the same weights, the whole machine. The peers have their
model loaded; vecmill starts its worker and loads it in each run; one row leaves that out. Peak memory is of the
largest process.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench import plot, results, table, texts
from bench.contender import Entry
from bench.model import model_folder
from bench.rounds import measure
from bench.slicing import SIZE, slices

if TYPE_CHECKING:
    from bench.rounds import Rounds

FIRST = "datasets.map + sentence-transformers"
OURS = "vecmill"
LOADED = "vecmill, loading left out"
ENTRIES = [
    Entry(FIRST, "corpus_datasets"),
    Entry("datasets.map + sentence-transformers bf16", "corpus_datasets", {"bf16": True}),
    Entry("LlamaIndex IngestionPipeline, bf16", "corpus_llama_index", {"bf16": True}),
    Entry("Ray Data, bf16", "corpus_ray", {"bf16": True}),
    Entry("Daft, bf16", "corpus_daft", {"bf16": True}),
    Entry("txtai", "corpus_txtai"),
    Entry(OURS, "corpus_vecmill", {"precision": "auto"}, ours=True),
]


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=4_000)
    parser.add_argument("--seconds", type=float, default=600, help="no round begins later than this")
    parser.add_argument("--rounds", type=int, default=3, help="no more rounds than this")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="cpu where others use the machine")
    parser.add_argument("--only", help="contenders with this in their names; the first always takes part")
    texts.add_options(parser)
    options = parser.parse_args()
    documents = texts.sample(texts.texts(options), options.chunks * SIZE)
    entries = [each for each in ENTRIES if not options.only or options.only in each.name or each.name == FIRST]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        warm = write(folder, "warm", documents[:: max(1, len(documents) // 10)])
        given = write(folder, "documents", documents)
        rounds = measure(
            entries,
            given,
            folder,
            seconds=options.seconds,
            most=options.rounds,
            warm=warm,
            model=str(model_folder()),
        )
    report(rounds, [piece for text in documents for piece in slices(text)], options.clock)


def write(folder: Path, name: str, documents: list[str]) -> Path:
    """Write documents as Parquet, and the work that names it."""
    source = folder / f"{name}.parquet"
    pq.write_table(pa.table({"id": [str(number) for number in range(len(documents))], "text": documents}), source)
    work = folder / f"{name}.json"
    work.write_text(json.dumps({"source": str(source)}))
    return work


def report(rounds: Rounds, chunks: list[str], clock: str) -> None:
    """Write the results; those of vecmill also as its worker reports them, without its start."""
    if OURS in rounds.taken and clock == "wall":
        rounds.loaded[LOADED] = rounds.loaded[OURS]
        rounds.taken[LOADED] = [{**each, "wall": each["facts"]["worker_seconds"]} for each in rounds.taken[OURS]]
    extra = {name: _facts(answers) for name, answers in rounds.taken.items()}
    rows = results.rows(rounds, FIRST, clock, len(chunks), extra)
    about = {"chunks": len(chunks), "characters": sum(map(len, chunks)), "clock": clock}
    path = results.save("corpus", about, rows=rows, targets=_targets(rows), unavailable=rounds.unavailable)
    result = json.loads(path.read_text())
    print(plot.bars(result, "From Parquet to Parquet with vectors", f"times as fast as {FIRST}"))
    print(table.contenders(result, "chunks/s", {"peak MB": "peak_mb"}), table.targets(result), sep="\n\n")


def _facts(answers: list[dict[str, Any]]) -> dict[str, Any]:
    return {"peak_mb": round(max(each["peak_mb"] for each in answers)), "chunks": answers[0]["facts"]["chunks"]}


def _targets(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ours = [row for row in rows if row["name"].startswith(OURS)]
    best = max((row["rate"] for row in rows if row not in ours), default=None)
    if not ours or best is None:
        return []
    speed = [
        results.target(f"{row['name']}: times as fast as the best pipeline", row["rate"] / best, 2.5) for row in ours
    ]
    return [
        *speed,
        results.target("peak memory of the largest process, MB", ours[0]["peak_mb"], 700, most=True),
    ]


if __name__ == "__main__":
    main()
