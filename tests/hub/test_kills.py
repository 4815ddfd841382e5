"""A publication that is killed: readers see a whole dataset, and the same command goes on."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from doubles.hub import DROPPED, Disturbance
from small_dataset import small_dataset

STEPS = [
    ("POST", "/preupload/", 0, DROPPED),
    ("PUT", "^/upload/", 1, DROPPED),
    ("POST", "^/complete$", 1, None),
    ("POST", "/commit/", 0, DROPPED),
    ("POST", "/commit/", 0, None),
    ("POST", "/validate-yaml$", 0, DROPPED),
    ("POST", "/commit/", 0, None),
    ("POST", "/tag/", 0, DROPPED),
    ("POST", "/tag/", 0, None),
]
"""At which request, after how many of its kind, and whether that request is still carried out (None)."""


@pytest.fixture
def seen(hub):
    """Return the sha256 of the shards that a reader of main is given, as the card says."""

    def look():
        files = hub.find("dataset", "user/name").files("main")
        (folder,) = re.findall(r'path: "(.*)/train-\*\.parquet"', files["README.md"].path.read_text())
        return [blob.sha256 for path, blob in files.items() if path.startswith(f"{folder}/train-")]

    return look


@pytest.fixture
def start(environment):
    """Start publishing."""

    def run(dataset, way):
        command = [Path(sys.executable).with_name("vecmill"), "publish", dataset, "--to", "hub", "-q"]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [*command, "--set", "repo=user/name"], env=environment(way=way), stdout=pipe, stderr=pipe, text=True
        )

    return run


@pytest.mark.slow
def test_killed_at_any_step_nobody_notices_and_nothing_is_sent_twice(hub, publish, start, seen, small, tmp_path):
    """Kill -9 at one step after the other: main is whole after each, and in the end every byte was sent once."""
    hub.part_size = 5_000
    old = small_dataset(tmp_path / "old", 8, "old")
    publish(old.path, way="lfs")
    wanted = {name: [entry.sha256 for entry in run.manifest.shards] for name, run in (("old", old), ("new", small))}
    before = len(hub.uploads)
    for method, path, skip, status in STEPS:
        child = start(small.path, "lfs")
        kill = Disturbance(method, path, status, skip=skip, act=child.kill)
        hub.disturbances = [kill]
        child.communicate(timeout=60)
        hub.disturbances = []
        assert child.returncode == -signal.SIGKILL, f"{method} {path} did not happen"
        assert seen() in wanted.values()
    publish(small.path, way="lfs")
    assert seen() == wanted["new"]
    whole = [request.target for request in hub.uploads[before:] if request.status == 200]
    assert len(set(whole)) >= len(small.manifest.shards)
    finished = {entry.sha256 for entry in small.manifest.shards}
    single = [target for target in whole if target.rpartition("/")[2] in finished]
    assert len(single) == len(set(single))


@pytest.mark.slow
def test_interrupted_it_says_how_to_go_on_and_exits_130(hub, publish, start, seen, small):
    """Ctrl-C while the Xet client is at work: no traceback, the same command, and a finished publication."""
    child = start(small.path, "xet")
    hub.disturbances = [Disturbance("GET", "/xet-write-token/", act=lambda: child.send_signal(signal.SIGINT))]
    output, errors = child.communicate(timeout=60)
    hub.disturbances = []
    assert child.returncode == 130
    assert output == ""
    assert "run the same command again:\n    vecmill publish " in errors
    assert "Traceback" not in errors
    publish(small.path)
    assert seen() == [entry.sha256 for entry in small.manifest.shards]
