"""Fixtures for what earlier versions left: a copy of each, and the model that they were made with."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from compatibility.jobs import HERE, install_stand_ins

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER = "@FOLDER@"
"""What ``make.py`` puts in place of the folder with the model."""


@pytest.fixture(autouse=True, scope="session")
def _stand_ins() -> None:
    """Make the embedder ``exact`` and the runtime ``inline`` known."""
    install_stand_ins()


@pytest.fixture(scope="session")
def hashes() -> dict[str, Any]:
    """Return what the version before made of each job."""
    hashes: dict[str, Any] = json.loads((HERE / "hashes.json").read_text(encoding="utf-8"))
    return hashes


@pytest.fixture
def before(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that copies a folder of the version before: whoever uses a dataset's folder locks it."""

    def copy(name: str) -> Path:
        there = tmp_path / name
        shutil.copytree(HERE / "before" / name, there)
        for path in there.rglob("*.json"):
            path.write_bytes(path.read_bytes().replace(FOLDER.encode(), str(HERE).encode()))
        return there

    return copy
