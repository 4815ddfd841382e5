"""Fixtures for the command line's tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from vecmill.cli.main import group
from vecmill.cli.progress_stats import ProgressStats
from vecmill.records import Account, FileEntry, Receipt, RunStarted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock that a test moves."""
    return Clock()


@pytest.fixture
def stats(clock: Clock) -> ProgressStats:
    """Return statistics that go by that clock."""
    return ProgressStats(clock)


@pytest.fixture
def invoke() -> Callable[..., Result]:
    """Run a command line in this process, and check its exit code."""

    def run(*args: str | Path, code: int = 0) -> Result:
        result = CliRunner().invoke(group, [str(arg) for arg in args], prog_name="vecmill")
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def job_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a corpus of ``count`` documents and a job over it, with stand-ins for model and runtime."""

    def write(count: int = 20, top: str = "", **tables: str) -> Path:
        corpus = tmp_path / "corpus.jsonl"
        rows = [
            {"id": f"d{n}", "title": f"Title {n}", "text": f"Document {n} is about the number {n}. " * 20}
            for n in range(count)
        ]
        corpus.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        parts = {
            "source": f'name = "jsonl"\npath = {json.dumps(str(corpus))}',
            "chunker": 'name = "paragraphs"\nmax_tokens = 32',
            "embedder": 'name = "hash"',
            "runtime": 'name = "inline"',
        }
        path = tmp_path / "job.toml"
        body = "\n".join(f"[{name}]\n{text}" for name, text in (parts | tables).items())
        publish = f'[[publish]]\nname = "parquet"\npath = {json.dumps(str(tmp_path / "out"))}'
        path.write_text(f"{top}\n{body}\n{publish}\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def plan() -> Callable[..., RunStarted]:
    """Make the event that a plan of twelve shards of 100 MB begins, three of them done before."""

    def make(shards: int = 12, done: int = 3) -> RunStarted:
        return RunStarted("run", "/data/out", shards, done, shards * 100_000_000, done * 100_000_000, None)

    return make


@pytest.fixture
def receipt() -> Callable[..., Receipt]:
    """Make the receipt of a shard of 10 documents, 100 chunks and 5,000 tokens."""

    def make(index: int, seconds: float = 4.0) -> Receipt:
        account = Account(documents_in=10, documents_embedded=10, chunks=100, characters=20_000, tokens=5_000)
        file = FileEntry(path=f"data/{index}", rows=100, bytes=1, sha256="")
        return Receipt(run_id="run", index=index, shard=file, account=account, seconds=seconds)

    return make
