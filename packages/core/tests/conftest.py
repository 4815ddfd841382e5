"""Fixtures for the core's tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from vecmill import Job
from vecmill.testing import install

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True, scope="session")
def _stand_ins() -> None:
    """Make the ``hash`` embedder and the ``inline`` runtime known."""
    install()


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., Path]:
    """Write rows to a JSONL file and return its path."""

    def write(*rows: dict[str, Any], name: str = "corpus.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    """Make a job over a JSONL file with stand-ins for model and runtime; keywords replace its tables."""

    def make(path: Path, **keys: Any) -> Job:
        tables: dict[str, Any] = {
            "source": {"name": "jsonl", "path": str(path)},
            "chunker": {"name": "paragraphs", "max_tokens": 32},
            "embedder": {"name": "hash"},
            "runtime": {"name": "inline"},
            "publish": [{"name": "parquet", "path": str(tmp_path / "out")}],
        }
        return Job(**(tables | keys))

    return make
