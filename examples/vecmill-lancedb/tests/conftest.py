"""Fixtures: datasets in several shards, made in a moment, and a database to publish them to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import vecmill
from vecmill.testing import install
from vecmill_lancedb import LanceDBPublisher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vecmill import Dataset


@pytest.fixture(scope="session")
def make_dataset(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Dataset]:
    """Make a dataset of so many notes; vectors are hashes of the text."""
    install()

    def make(notes: int) -> Dataset:
        folder = tmp_path_factory.mktemp("notes")
        lines = [f'{{"id": "{number}", "text": "note {number} {"on and on " * 30}"}}\n' for number in range(notes)]
        (folder / "notes.jsonl").write_text("".join(lines))
        return vecmill.run(
            vecmill.Job(
                source={"name": "jsonl", "path": str(folder / "notes.jsonl")},
                chunker={"name": "paragraphs", "max_tokens": 32},
                embedder={"name": "hash"},
                runtime={"name": "inline"},
                shards={"target_mb": 0.01},
                publish=[{"name": "parquet", "path": str(folder / "dataset")}],
            )
        )

    return make


@pytest.fixture(scope="session")
def dataset(make_dataset: Callable[..., Dataset]) -> Dataset:
    """A dataset; not to be changed."""
    return make_dataset(100)


@pytest.fixture
def publisher(tmp_path: Path) -> Callable[..., LanceDBPublisher]:
    """Make a publisher of a table named ``notes`` in the test's own database."""

    def make(**options: object) -> LanceDBPublisher:
        return LanceDBPublisher(LanceDBPublisher.Config(uri=str(tmp_path / "db"), table="notes", **options))

    return make
