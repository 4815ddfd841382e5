"""A run that is killed or interrupted goes on, and ends with the same bytes."""

import json
import os
import random
import signal
import time

import pytest

from places import DEMO

ROUNDS = int(os.environ.get("VECMILL_KILLS", "4"))
"""How often to kill; ``VECMILL_KILLS=100`` for the long version."""


@pytest.fixture
def arguments(tmp_path):
    """The demo in several shards, to a folder."""

    def make(out):
        return [
            "run",
            DEMO,
            "--set",
            f"publish.0.path={tmp_path / out}",
            "--set",
            "shards.target_mb=0.1",
            "--set",
            "source.limit=24",
        ]

    return make


def files(path):
    """Return the content of every Parquet file."""
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in sorted(path.rglob("*.parquet"))}


def test_killed_at_random_moments_a_run_ends_byte_identical(vecmill, start, arguments, tmp_path):
    """Kill -9 at any moment, then the same command: the files are those of a run that was left alone."""
    began = time.monotonic()
    vecmill(*arguments("alone"))
    length = time.monotonic() - began
    chance = random.Random(2026)  # noqa: S311 - repeatable, not secret
    for _ in range(ROUNDS):
        child = start(*arguments("killed"))
        time.sleep(chance.uniform(0, length))
        child.send_signal(signal.SIGKILL)
        child.communicate()
    vecmill(*arguments("killed"))
    assert files(tmp_path / "killed") == files(tmp_path / "alone")
    names = sorted(path.name for path in (tmp_path / "killed").iterdir())
    assert names == ["README.md", "data", "manifest.json"]
    manifests = [json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("alone", "killed")]
    assert manifests[0]["account"] == manifests[1]["account"]
    assert manifests[0]["shards"] == manifests[1]["shards"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on_and_exits_130(vecmill, start, arguments, tmp_path, number):
    """Ctrl-C and SIGTERM stop cleanly: no half file, no worker left, exit 130, and the way to resume."""
    child = start(*arguments("out"))
    receipts = tmp_path / "out" / ".vecmill" / "receipts"
    while not (receipts.is_dir() and any(receipts.iterdir())):
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(number)
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "run the same command again" in errors
    assert "Traceback" not in errors
    assert list(tmp_path.rglob("*.partial")) == []
    vecmill(*arguments("out"))
    vecmill("verify", tmp_path / "out")


def test_two_runs_in_one_folder_are_refused(vecmill, start, arguments, tmp_path):
    """The second command in a folder gets one clear error, and the first is not disturbed."""
    first = start(*arguments("out"))
    while not (tmp_path / "out" / ".vecmill").is_dir():
        assert first.poll() is None
        time.sleep(0.02)
    assert "another run works in" in vecmill(*arguments("out"), code=1).stderr
    first.communicate(timeout=120)
    assert first.returncode == 0
