"""The same chunks, the same weights, the same processors: vecmill's embedder and everybody else's.

    hatch run bench:embedding

Each round runs every contender once, in turn, so that a noisy machine is noisy to all. Loading is not timed.
The figure to read is the ratio; chunks per second mean something on this machine only. One contender only
multiplies matrices of the model's own shapes: what the processor gives if nothing else is to be done.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import plot, results, table, texts
from bench.contender import Entry
from bench.model import model_folder, with_onnx
from bench.rounds import measure

if TYPE_CHECKING:
    from bench.rounds import Rounds

FIRST = "sentence-transformers f32"
BF16, INT8, F32 = "vecmill bf16", "vecmill int8", "vecmill f32"
MATMUL = "matmul bf16"
INFINITY = {"engine": "torch"}
ENTRIES = [
    Entry(FIRST, "embed_sentence_transformers"),
    Entry("sentence-transformers bf16 autocast", "embed_sentence_transformers", {"bf16": True}),
    Entry(
        "sentence-transformers bf16, batches of 128", "embed_sentence_transformers", {"bf16": True, "batch_size": 128}
    ),
    Entry("sentence-transformers ONNX backend", "embed_sentence_transformers", {"onnx": True}, older=True),
    Entry("onnxruntime, arrival order", "embed_onnxruntime"),
    Entry("onnxruntime, sorted by characters", "embed_onnxruntime", {"sorted": True}),
    Entry("fastembed", "embed_fastembed", older=True),
    Entry("Infinity f32", "embed_infinity", older=True),
    Entry("Infinity bf16", "embed_infinity", {"engine": {"dtype": "bfloat16"}}, older=True),
    Entry(F32, "embed_vecmill", {"precision": "f32"}, ours=True),
    Entry(BF16, "embed_vecmill", {"precision": "bf16"}, ours=True),
    Entry(INT8, "embed_vecmill", {"precision": "int8"}, ours=True),
    Entry(MATMUL, "matmul", {"precision": "bf16"}, ours=True),
]


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=800)
    parser.add_argument("--characters", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=900, help="no round begins later than this")
    parser.add_argument("--rounds", type=int, default=3, help="no more rounds than this")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="cpu where others use the machine")
    parser.add_argument("--only", help="contenders with this in their names; the first always takes part")
    texts.add_options(parser)
    options = parser.parse_args()
    chunks = texts.slices(texts.texts(options), options.characters, options.chunks)
    entries = [e for e in ENTRIES if not options.only or options.only in e.name or e.name in {FIRST, MATMUL}]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = folder / "chunks.json"
        given.write_text(json.dumps(chunks))
        rounds = measure(
            entries, given, folder, seconds=options.seconds, most=options.rounds, model=str(with_onnx(folder / "model"))
        )
        report(rounds, chunks, options.clock)


def report(rounds: Rounds, chunks: list[str], clock: str) -> None:
    """Write the results."""
    rate = _matmul_rate(rounds, clock)
    extra = _quality(rounds)
    about = {
        "chunks": len(chunks),
        "characters": sum(map(len, chunks)),
        "clock": clock,
        "flop": _flop(chunks),
        "matmul_flops": rate,
    }
    rows = results.rows(rounds, FIRST, clock, len(chunks), extra)
    targets = _targets({row["name"]: row for row in rows}, about)
    path = results.save("embedding", about, rows=rows, targets=targets, unavailable=rounds.unavailable)
    result = json.loads(path.read_text())
    print(
        plot.bars(
            result, "Embedding the same chunks with the same weights", "times as fast as sentence-transformers f32"
        )
    )
    print(table.contenders(result, "chunks/s", {"least cosine": "cosine"}), table.targets(result), sep="\n\n")


def _matmul_rate(rounds: Rounds, clock: str) -> float | None:
    taken = rounds.taken.pop(MATMUL, None)
    return float(np.median([each["facts"]["flop"] / each[clock] for each in taken])) if taken else None


def _quality(rounds: Rounds) -> dict[str, dict[str, Any]]:
    vectors = {name: np.load(rounds.outputs[name]) for name in rounds.taken}
    reference = vectors[FIRST]
    return {name: {"cosine": round(float((made * reference).sum(1).min()), 6)} for name, made in vectors.items()}


def _flop(chunks: list[str]) -> float:
    """Return the multiplications and additions in the model's matrices, padding and attention's own left out."""
    from vecmill.models import load_tokenizer

    tokenizer = load_tokenizer(model_folder())
    tokens = int(tokenizer.count(chunks).sum()) + tokenizer.special_tokens * len(chunks)
    layer = 4 * 384 * 384 + 2 * 384 * 1536
    return 2.0 * 6 * layer * tokens


def _targets(rows: dict[str, dict[str, Any]], about: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    if BF16 in rows:
        peers = [row["rate"] for name, row in rows.items() if not name.startswith("vecmill")]
        found += [
            results.target("bf16: times as fast as sentence-transformers f32", rows[BF16]["ratio"], 4.8),
            results.target("bf16: times as fast as the best setting of any peer", rows[BF16]["rate"] / max(peers), 2.5),
            results.target("bf16: least cosine", rows[BF16]["cosine"], 0.9999),
        ]
        if about["matmul_flops"]:
            share = about["flop"] * rows[BF16]["rate"] / about["chunks"] / about["matmul_flops"]
            found.append(results.target("bf16: share of the matmul rate", share, 0.85))
    if INT8 in rows:
        found += [
            results.target("int8: times as fast as sentence-transformers f32", rows[INT8]["ratio"], 7),
            results.target("int8: least cosine", rows[INT8]["cosine"], 0.99),
        ]
    return found


if __name__ == "__main__":
    main()
