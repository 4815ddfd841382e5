"""Chunks within a budget of the model's own tokens: vecmill's ``paragraphs`` and everybody else's.

    hatch run bench:chunking

One processor, processor time, rounds of everybody in turn. What each makes is judged: no chunk over the budget, each
chunk's place in the text exact, no text lost. The figure to read is the ratio; megabytes per second mean something
on this machine only.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from bench import plot, results, table, texts
from bench.contender import Entry
from bench.exactness import judge
from bench.model import model_folder
from bench.rounds import measure

FIRST = "tokenizers, windows"
OURS = "vecmill paragraphs"
BUDGETS = (126, 256)
ENTRIES = [
    Entry(FIRST, "chunk_tokenizers"),
    Entry(OURS, "chunk_vecmill", {"repeat": 5}, ours=True),
    Entry("chonkie recursive", "chunk_chonkie", {"chunker": "RecursiveChunker"}),
    Entry("chonkie token", "chunk_chonkie", {"chunker": "TokenChunker"}),
    Entry("chonkie sentence", "chunk_chonkie", {"chunker": "SentenceChunker"}),
    Entry("semantic-text-splitter", "chunk_semantic_text_splitter"),
    Entry("langchain recursive", "chunk_langchain"),
    Entry("LlamaIndex sentence", "chunk_llama_index"),
]
COLUMNS = {"correct": "correct", "over budget": "over", "misplaced": "misplaced", "characters lost": "lost"}


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--characters", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=120, help="for each budget")
    parser.add_argument("--rounds", type=int, default=5, help="no more rounds than this")
    parser.add_argument("--only", help="contenders with this in their names; two always take part")
    texts.add_options(parser)
    options = parser.parse_args()
    sample = texts.sample(texts.texts(options), options.characters)
    for budget in BUDGETS:
        run(sample, budget, options)


def run(sample: list[str], budget: int, options: argparse.Namespace) -> None:
    """Measure with one budget."""
    model = model_folder()
    entries = [e for e in ENTRIES if not options.only or options.only in e.name or e.name in {FIRST, OURS}]
    with tempfile.TemporaryDirectory() as name:
        given = Path(name) / "texts.json"
        given.write_text(json.dumps(sample))
        rounds = measure(
            entries,
            given,
            Path(name),
            seconds=options.seconds,
            most=options.rounds,
            model=str(model),
            budget=budget,
            one_processor=True,
        )
        tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        facts = {
            name: judge(sample, json.loads(path.read_text()), tokenizer, budget)
            for name, path in rounds.outputs.items()
        }
    megabytes = sum(len(text.encode()) for text in sample) / 1e6
    rows = results.rows(rounds, FIRST, "cpu", megabytes, facts)
    about = {"documents": len(sample), "megabytes": round(megabytes, 3), "budget": budget, "clock": "cpu"}
    path = results.save(f"chunking-{budget}", about, rows=rows, targets=targets(rows), unavailable=rounds.unavailable)
    result = json.loads(path.read_text())
    print(
        plot.bars(result, f"Chunks of at most {budget} tokens, one processor", "times as fast as windows of tokenizers")
    )
    print(table.contenders(result, "MB/s", COLUMNS), table.targets(result), sep="\n\n")


def targets(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was wanted of the chunker, and found."""
    ours = next(row for row in rows if row["name"] == OURS)
    best = max(row["ratio"] for row in rows if row["correct"] and row is not ours)
    return [
        results.target("MB/s", ours["rate"], 18),
        results.target("times as fast as the best peer that is correct", ours["ratio"] / best, 6),
        results.target("chunks at fault", ours["over"] + ours["misplaced"] + ours["lost"], 0, most=True),
    ]


if __name__ == "__main__":
    main()
