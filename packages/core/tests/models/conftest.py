"""What the tests of models share: folders as sentence-transformers saves them, and a Hub that has some."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from doubles.hub import HubDouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

POOLING = {"word_embedding_dimension": 8, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
MODULES = [
    {"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]
OPEN = """
import json, sys
from vecmill.errors import VecmillError
from vecmill.models import open_model
for model, options in json.load(sys.stdin):
    try:
        found = open_model(model, **options)
        files = sorted(str(p.relative_to(found.root)) for p in found.root.rglob("*") if p.is_file())
        answer = {"revision": found.revision, "prompts": found.prompts, "files": files,
                  "weights": [path.name for path in found.weights], "hashes": found.files}
    except VecmillError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(answer))
"""


@pytest.fixture
def write_model() -> Callable[..., Path]:
    """Write a model's folder; ``files`` replaces files by name, ``None`` leaves one out."""

    def write(folder: Path, files: dict[str, Any] | None = None) -> Path:
        content: dict[str, Any] = {
            "config.json": {"model_type": "bert", "hidden_size": 8, "max_position_embeddings": 512},
            "modules.json": MODULES,
            "1_Pooling/config.json": POOLING,
            "sentence_bert_config.json": {"max_seq_length": 128},
            "tokenizer.json": {},
            "model.safetensors": b"the numbers",
        }
        for name, value in (content | (files or {})).items():
            if value is not None:
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
        return folder

    return write


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubDouble]:
    """A Hub."""
    with HubDouble(tmp_path / "hub") as double:
        yield double


@pytest.fixture
def open_from(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Call ``open_model`` in a process of its own, as the client reads the Hub's address when it is imported."""

    def run(url: str, *calls: tuple[str, dict[str, Any]], **environment: str) -> list[dict[str, Any]]:
        settings = {
            "HF_ENDPOINT": url,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_ETAG_TIMEOUT": "2",
        }
        others = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        done = subprocess.run(
            [sys.executable, "-c", OPEN],
            input=json.dumps(calls),
            env={**others, **settings, **environment},
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run
