"""Interoperation with other servers and clients, in an environment of their own: ``hatch run interop:test``."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from doubles.tei import MODEL, RouterDouble
from interop.infinity import Infinity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INTEROP = os.environ.get("VECMILL_INTEROP")
collect_ignore_glob = [] if INTEROP else ["test_*.py"]


@pytest.fixture(scope="session")
def infinity() -> Iterator[Infinity]:
    """Start the real Infinity server."""
    with Infinity(_command("infinity_emb")) as server:
        yield server


@pytest.fixture(scope="session")
def router() -> Iterator[RouterDouble]:
    """Start the router double with the real model."""
    with RouterDouble(MODEL) as server:
        yield server


@pytest.fixture(scope="session")
def stranger() -> Callable[..., list[list[float]]]:
    """Embed with a client that knows nothing of vecmill, in the environment that has none of it."""
    script = Path(__file__).with_name("stranger.py")

    def embed(client: str, url: str, texts: list[str]) -> Any:
        command = [str(_command("python")), str(script), client, url]
        environment = {"PATH": os.environ["PATH"], "HF_HUB_DISABLE_TELEMETRY": "1"}
        done = subprocess.run(
            command, env=environment, input=json.dumps(texts), capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return embed


def _command(name: str) -> Path:
    return Path(INTEROP or "") / "bin" / name
