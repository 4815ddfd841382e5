"""Jobs whose results stay the same from version to version: fixed corpora, and a model that is exact arithmetic.

Only what plugin authors and callers may use is used here, so that an older version of vecmill can be given the same
jobs: ``make.py`` does that.
"""

from __future__ import annotations

import hashlib
import json
import math
import pydoc_data.topics
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from repository import DEMO
from vecmill import Embedder, Job, ModelInfo, Options, hookimpl, run
from vecmill.plugins import load
from vecmill.testing import WordTokenizer, install

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from vecmill import Dataset

HERE = Path(__file__).parent
CORPUS, MODEL = HERE / "corpus", HERE / "model"
DIMENSION = 384
"""Of the demo's model."""


class ExactOptions(Options):
    """What kind of model to be; ``refuse`` and ``spoil`` are texts that it has no vector for, or a bad one."""

    dimension: int = 8
    max_tokens: int = 64
    prompt: str = ""
    refuse: str | None = None
    spoil: str | None = None


class ExactEmbedder(Embedder[ExactOptions]):
    """The same text has the same unit vector on every machine and with every version of every library."""

    name = "exact"
    Config = ExactOptions
    location = frozenset({"refuse", "spoil"})
    batch_tokens = 256

    def model(self) -> ModelInfo:
        """Describe a model that is its options."""
        return ModelInfo(
            id="exact",
            revision="1",
            dimension=self.config.dimension,
            max_tokens=self.config.max_tokens,
            pooling="mean",
            normalized=True,
            prompt=self.config.prompt,
            precision="f32",
        )

    def tokenizer(self) -> WordTokenizer:
        """Count words."""
        return WordTokenizer()

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Hash each text to a unit vector."""
        from vecmill.errors import EmbedError

        if self.config.refuse and any(self.config.refuse in text for text in texts):
            raise EmbedError(f"the engine refuses what contains {self.config.refuse}")
        vectors = exact_vectors(texts, self.config.dimension)
        vectors[[bool(self.config.spoil and self.config.spoil in text) for text in texts]] = np.nan
        return vectors


def exact_vectors(texts: Sequence[str], dimension: int) -> npt.NDArray[np.float32]:
    """Return a unit vector for each text, by arithmetic that is the same everywhere: integers, a root, a division."""
    vectors = np.empty((len(texts), dimension), np.float32)
    for row, text in enumerate(texts):
        digest = hashlib.shake_256(text.encode()).digest(2 * dimension)
        numbers = np.frombuffer(digest, "<i2").astype(np.int64)
        vectors[row] = numbers / math.sqrt(int((numbers * numbers).sum()))
    return vectors


@hookimpl
def vecmill_register_embedders(register: Callable[[type[Any]], None]) -> None:
    """Register ``exact``."""
    register(ExactEmbedder)


def install_stand_ins() -> None:
    """Make the embedder ``exact`` and the runtime ``inline`` known in this process."""
    install()
    if "exact" not in load().registry.entries["embedder"]:
        load().add(sys.modules[__name__], "vecmill-compatibility", "tests")


def _jsonl(**options: Any) -> dict[str, Any]:
    return {"name": "jsonl", "path": str(CORPUS / "articles.jsonl"), **options}


TITLES = {
    "source": _jsonl(keep=["lang", "score", "tags"]),
    "chunker": {"name": "paragraphs", "max_tokens": 32},
    "embedder": {"name": "exact", "refuse": "REFUSED", "spoil": "SPOILED"},
    "shards": {"target_mb": 0.01},
    "max_quarantine": 0.5,
}
JOBS: dict[str, dict[str, Any]] = {
    "titles": TITLES,
    "tokens": {
        "source": {
            "name": "parquet",
            "path": str(CORPUS / "articles.parquet"),
            "columns": {"id": "key", "text": "body"},
            "keep": ["year", "place"],
        },
        "chunker": {"name": "tokens", "max_tokens": 24, "overlap": 5},
        "batching": {"name": "fixed", "size": 7},
        "embedder": {"name": "exact", "dimension": 5, "prompt": "passage: "},
        "shards": {"target_mb": 0.008},
    },
    "characters": {
        "source": {
            "name": "csv",
            "path": str(CORPUS / "articles.csv"),
            "columns": {"id": "name", "text": "body"},
            "keep": ["place"],
            "limit": 25,
        },
        "chunker": {"name": "characters", "size": 120, "overlap": 15},
        "embedder": {"name": "exact", "max_tokens": 200},
    },
    "truncated": {
        "source": _jsonl(limit=20),
        "chunker": {"name": "characters", "size": 300},
        "embedder": {"name": "exact", "max_tokens": 20, "refuse": "REFUSED", "spoil": "SPOILED"},
        "max_quarantine": 0.5,
        "truncate": True,
    },
    "tiny": {
        "source": {"name": "jsonl", "path": str(CORPUS / "words.jsonl")},
        "chunker": {"name": "paragraphs", "max_tokens": 16},
        "embedder": {"name": "openvino", "model": str(MODEL), "precision": "f32"},
    },
}
"""The tables of each job but where it runs and where its dataset goes. ``tiny`` is computed by the CPU engine."""


def make_job(name: str, out: Path, **tables: Any) -> Job:
    """Return a job of ``JOBS`` for a folder, with other tables in place of its own."""
    local = {"runtime": {"name": "inline"}, "publish": [{"name": "parquet", "path": str(out)}]}
    return Job(**{**JOBS[name], **local, **tables})


def run_demo(out: Path) -> Dataset:
    """Run the demo's own job file over fixed articles, with its own model but for what the engine computes.

    Tokenizer, precision, revision and every option are the demo's; the articles of ``help()`` differ between versions
    of Python, and the engine's last digit between processors.
    """
    engine: Any = load().registry.get("embedder", "openvino")
    topics = json.loads((CORPUS / "topics.json").read_text(encoding="utf-8"))
    overrides = ['embedder.precision="f32"', 'runtime={name="inline"}', f"publish.0.path={out}"]
    with (
        mock.patch.object(pydoc_data.topics, "topics", topics),
        mock.patch.object(engine, "open", return_value=None),
        mock.patch.object(engine, "embed", lambda _, texts: exact_vectors(texts, DIMENSION)),
    ):
        return run(Job.load(DEMO, overrides))
