"""A job whose every part is real but the model: some shards, a bad document, a document that comes twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

JOB = """
max_quarantine = 0.5

[source]
name = "jsonl"
path = "{corpus}"

[chunker]
name = "paragraphs"
max_tokens = 32

[embedder]
{embedder}

[runtime]
name = "local"
workers = 2

[shards]
target_mb = {target_mb}

[[publish]]
name = "parquet"
path = "{out}"
"""


def rows(documents: int) -> list[dict[str, str]]:
    """Return documents; a few cannot be embedded, and the last one has the first one's id."""
    made = [{"id": f"d{n}", "text": f"Document {n} speaks of the number {n}. " * (1 + n % 7)} for n in range(documents)]
    for n in range(50, documents, 100):
        made[n]["text"] = "  "
    return [*made, {"id": "d0", "text": "An impostor."}]


def write_job(
    folder: Path, documents: int = 600, *, embedder: str = 'name = "hash"', target_mb: float = 0.01, out: str = "out"
) -> Path:
    """Write the corpus and the job; return the job file."""
    corpus, job = folder / "corpus.jsonl", folder / "job.toml"
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows(documents)))
    job.write_text(JOB.format(corpus=corpus, embedder=embedder, target_mb=target_mb, out=folder / out))
    return job
