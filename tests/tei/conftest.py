"""Fixtures for the TEI path: routers, and jobs that use them."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import pytest

from doubles.tei import MODEL, RouterDouble
from vecmill import Job
from vecmill.models import tokenizer
from vecmill.testing import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True, scope="session")
def _stand_ins() -> Iterator[None]:
    """Make the ``inline`` runtime known; and load the one tokenizer once, not twice in each of many runs."""
    install()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizer, "load_tokenizer", functools.cache(tokenizer.load_tokenizer))
        yield


@pytest.fixture(scope="session")
def encoder() -> Iterator[RouterDouble]:
    """Serve real vectors, and refuse texts that are too long."""
    with RouterDouble(MODEL, "--auto-truncate", "false", "--max-client-batch-size", "64") as router:
        yield router


@pytest.fixture(scope="session")
def shared() -> Iterator[RouterDouble]:
    """Serve canned vectors."""
    with RouterDouble(MODEL, vectors="random") as router:
        yield router


@pytest.fixture
def router(shared: RouterDouble) -> RouterDouble:
    """Serve canned vectors, and behave."""
    shared.behave()
    return shared


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    """Make a job over 120 small documents and a router."""
    corpus = tmp_path / "corpus.jsonl"
    rows = [{"id": str(n), "text": f"Document {n} speaks of the number {n}. " * (1 + n % 7)} for n in range(120)]
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def make(url: str | None, *, out: str = "out", **embedder: Any) -> Job:
        return Job(
            source={"name": "jsonl", "path": str(corpus)},
            batching={"name": "fixed", "size": 8},
            embedder={"name": "tei", "model": MODEL, "url": url} | embedder,
            runtime={"name": "inline"},
            publish=[{"name": "parquet", "path": str(tmp_path / out)}],
            max_quarantine=0.05,
        )

    return make
