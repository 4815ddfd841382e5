"""Fixtures for the engine's tests: models with random weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from doubles.encoders import write_encoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a tiny encoder with random weights, of any architecture that has a graph, as transformers saves it."""

    def write(kind: str = "bert", files: dict[str, Any] | None = None, **config: Any) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        write_encoder(folder, kind, **config)
        for name, content in (files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.dumps(content))
        return folder

    return write
