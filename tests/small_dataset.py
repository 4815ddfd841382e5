"""A dataset in several shards, made in a moment: with stand-ins for model and runtime."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from vecmill import Job, run
from vecmill.testing import install

if TYPE_CHECKING:
    from pathlib import Path

    from vecmill import Dataset

WORDS = ["quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "while", "seven", "wizards", "box"]


def small_dataset(folder: Path, documents: int, seed: str = "a") -> Dataset:
    """Make a dataset of so many documents in a folder; another seed, other texts."""
    return run(small_job(folder, documents, seed, [{"name": "parquet", "path": str(folder / seed)}]))


def small_job(folder: Path, documents: int, seed: str, publish: list[dict[str, Any]]) -> Job:
    """Write a corpus to a folder and make a job of it."""
    install()
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"id": f"{seed}{n}", "text": f"{seed} {n} é☃𝄞 {' '.join(WORDS[n % 7 :] * 20)}"} for n in range(documents)]
    path = folder / f"{seed}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Job(
        source={"name": "jsonl", "path": str(path)},
        chunker={"name": "paragraphs", "max_tokens": 32},
        embedder={"name": "hash"},
        runtime={"name": "inline"},
        shards={"target_mb": 0.01},
        publish=publish,
    )
