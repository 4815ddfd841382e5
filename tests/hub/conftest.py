"""Fixtures for tests with a Hub: the command and its readers are processes of their own, with caches of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from doubles.hub import HubDouble, User
from small_dataset import small_dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill import Dataset

TOKEN = "hf_ASecretOfTheTests"  # noqa: S105 - of a Hub of our own


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A dataset in several shards."""
    return small_dataset(tmp_path_factory.mktemp("small"), 40)


@pytest.fixture(scope="session")
def hub_token() -> str:
    """The token of the user who publishes."""
    return TOKEN


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubDouble]:
    """A Hub with a user."""
    with HubDouble(tmp_path / "hub") as double:
        double.users[TOKEN] = User("user")
        double.part_size = 20_000
        yield double


@pytest.fixture
def environment(hub: HubDouble, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Make a process's environment: the Hub's address, an empty cache, and the user's token."""

    def make(name: str = "home", way: str = "xet", token: str = TOKEN) -> dict[str, str]:
        return {
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / name),
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_XET": "1" if way == "lfs" else "0",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }

    return make


@pytest.fixture
def publish(environment: Callable[..., dict[str, str]]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``vecmill publish … --to hub --set repo=user/name``."""

    def run(dataset: Path, *args: str, way: str = "xet", code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("vecmill")), "publish", str(dataset), "--to", "hub"]
        done = subprocess.run(
            [*command, "--set", "repo=user/name", *args],
            env=environment(way=way),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert TOKEN not in done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def read(environment: Callable[..., dict[str, str]], tmp_path: Path) -> Callable[..., str]:
    """Run a reader's code in a fresh process with an empty cache, and return what it printed."""

    def run(code: str, *args: str, way: str = "xet") -> str:
        caches = len(list(tmp_path.glob("reader-*")))
        done = subprocess.run(
            [sys.executable, "-c", code, *args],
            env=environment(f"reader-{caches}", way),
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
