"""Fixtures for tests that cross packages: the real command, the real model, real files."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repository import DEMO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from doubles.modal import Plane


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c() -> None:
    """Let what tests start heed Ctrl-C, though a shell that runs them in the background has them ignore it.

    A process inherits that its parent ignores a signal, but no handler.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: None)


@pytest.fixture(scope="session")
def vecmill() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed command as a user does."""
    command = Path(sys.executable).with_name("vecmill")

    def run(*args: str | Path, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([command, *map(str, args)], capture_output=True, text=True, check=False, cwd=cwd)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def demo(vecmill: Callable[..., object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the demo once, and return its dataset."""
    out = tmp_path_factory.mktemp("demo") / "python-reference"
    vecmill("run", DEMO, "--set", f"publish.0.path={out}")
    return out


@pytest.fixture
def plane() -> Iterator[Plane]:
    """A Modal control plane on this machine."""
    from doubles.modal import Plane

    with Plane() as plane:
        yield plane


@pytest.fixture(scope="session")
def run_modal() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the real ``modal`` command against a plane."""

    def run(plane: Plane, *args: str, cwd: Path, code: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **plane.environment, **variables}
        done = subprocess.run(
            [*plane.command, *args], env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def modal(plane: Plane, run_modal: Callable[..., object]) -> Callable[..., object]:
    """Run the real ``modal`` command against the test's own plane."""
    return functools.partial(run_modal, plane)
