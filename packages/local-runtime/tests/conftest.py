"""Fixtures for the local runtime's tests: real worker processes, with a plugin that misbehaves on command."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from vecmill import Job
from vecmill.plugins import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PLUGIN = """
import os, signal, sys, time
from pathlib import Path

from vecmill.errors import EngineError, SourceError
from vecmill.hookspecs import hookimpl
from vecmill.testing import HashEmbedder


class Options(HashEmbedder.Config):
    folder: str
    do: str = "nothing"
    times: int = 1


class Unruly(HashEmbedder):
    name = "unruly"
    Config = Options
    location = frozenset({"folder", "do", "times"})

    def embed(self, texts):
        folder = Path(self.config.folder)
        if any("TROUBLE" in text for text in texts) and len(list(folder.iterdir())) < self.config.times:
            (folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()
            self.trouble()
        return super().embed(texts)

    def trouble(self):
        if self.config.do == "die":
            print("my last words", os.environ.get("A_TOKEN", ""), file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        if self.config.do == "print":
            print('{"kind":"receipt"}', flush=True)
        if self.config.do == "raise":
            print("as it fails", os.environ.get("A_TOKEN", ""), file=sys.stderr, flush=True)
            raise EngineError(f"the engine is out of order {os.environ.get('A_TOKEN', '')}")
        if self.config.do == "refuse":
            raise SourceError("the file is damaged")
        if self.config.do == "bug":
            raise KeyError("a bug")
        if self.config.do == "hang":
            time.sleep(600)


@hookimpl
def vecmill_register_embedders(register):
    register(Unruly)
"""


@pytest.fixture
def unruly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the plugin for this test: in this process, and by a real entry point in its children."""
    folder = tmp_path / "site"
    info = folder / "unruly-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "unruly_plugin.py").write_text(textwrap.dedent(PLUGIN))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: unruly\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vecmill]\nunruly = unruly_plugin\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(folder)
    before = load()
    load.cache_clear()
    yield
    load.cache_clear()
    for field in dataclasses.fields(before):  # what other tests installed in this process stays
        setattr(load(), field.name, getattr(before, field.name))
    sys.modules.pop("unruly_plugin", None)


@pytest.fixture
def tables(tmp_path: Path, unruly: None) -> Callable[..., dict[str, Any]]:
    """Make the tables of a job of several shards, of which one has trouble in it."""
    texts = [f"Document {n}. " + "Some words to fill a chunk or two. " * 5 for n in range(30)]
    texts[17] += " TROUBLE"
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(texts)))
    (tmp_path / "tried").mkdir()

    def make(out: str = "out", *, workers: int = 2, **options: Any) -> dict[str, Any]:
        return {
            "source": {"name": "jsonl", "path": str(path)},
            "chunker": {"name": "paragraphs", "max_tokens": 32},
            "embedder": {"name": "unruly", "folder": str(tmp_path / "tried"), **options},
            "runtime": {"name": "local", "workers": workers},
            "publish": [{"name": "parquet", "path": str(tmp_path / out)}],
            "shards": {"target_mb": 0.001},
        }

    return make


@pytest.fixture
def job(tables: Callable[..., dict[str, Any]]) -> Callable[..., Job]:
    """Make that job."""
    return lambda *args, **options: Job(**tables(*args, **options))
