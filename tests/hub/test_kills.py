"""A publication that is killed: readers see a whole dataset, and publishing again goes on."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import pytest

from doubles.hub import DROPPED, Disturbance
from small_dataset import small_dataset

WRITING = {"POST", "PUT"}
LOST, CARRIED_OUT = DROPPED, None
"""What becomes of the request at which the publication is killed."""


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


@pytest.fixture(params=["lfs", "xet"])
def way(request):
    """How shards travel."""
    return request.param


@pytest.fixture
def nursery(environment, way):
    """Make processes that publish: takes a dataset, returns a process's id and a way to wait for its end."""
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("nursery.py")],
        env=environment(way=way),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        asking, answers = process.stdin, process.stdout
        assert asking is not None
        assert answers is not None

        def begin(dataset):
            asking.write(f"{dataset.path}\n")
            asking.flush()
            return int(answers.readline()), lambda: int(answers.readline())

        yield begin
        asking.close()


class Table:
    """A repo that can be set back to what it was, and a publication over it that can be killed."""

    def __init__(self, hub, nursery, old):
        self.hub, self.begin = hub, nursery
        self.publish(old)
        self.repo = hub.find("dataset", "user/name")
        self.refs = dict(self.repo.refs)

    def publish(self, dataset):
        """Publish; return how many requests of each method it made."""
        before = self.count()
        _, wait = self.begin(dataset)
        assert wait() == 0
        return self.count() - before

    def reset(self, dataset):
        """Forget that this one was published, or sent."""
        self.repo.refs = dict(self.refs)
        for entry in dataset.manifest.shards:
            self.hub.store.find(entry.sha256).unlink(missing_ok=True)
        self.hub.xet.forget()

    def kill(self, dataset, blow):
        """Publish, and kill -9 the process as is said; return whether it came to that."""
        held = threading.Event()
        self.hub.disturbances = [blow]
        blow.act = held.wait
        pid, wait = self.begin(dataset)
        strike = Timer(blow.delay, _kill, (pid,))
        blow.act = strike.run if blow.delay == 0 else strike.start
        held.set()
        code = wait()
        strike.cancel()
        if strike.is_alive():
            strike.join()
        self.hub.disturbances = []
        return code == -signal.SIGKILL

    def count(self):
        """Count the requests so far, by method."""
        return Counter(request.method for request in [*self.hub.requests, *self.hub.transfers])


def _kill(pid):
    with contextlib.suppress(ProcessLookupError):  # it was done just before
        os.kill(pid, signal.SIGKILL)


@dataclass
class Blow(Disturbance):
    """When to kill: ``delay`` seconds after a request came."""

    delay: float = 0.0


def blows(requests, way):
    """Yield every moment: at each request, lost or, where it writes, carried out too; and amid a transfer."""
    for method, number in ((method, number) for method, count in requests.items() for number in range(count)):
        yield Blow(method, "", LOST, skip=number)
        if method in WRITING:
            yield Blow(method, "", CARRIED_OUT, skip=number)
    if way == "xet":
        yield from (Blow("GET", "/xet-write-token/", delay=delay) for delay in (0.002, 0.005, 0.01, 0.02, 0.04))


@pytest.mark.fault(
    "publish",
    "the publication is killed at any request",
    promise="Readers see the complete old dataset or the complete new one; the same command finishes, and sends "
    "nothing twice.",
)
@pytest.mark.slow
def test_killed_at_any_request_nobody_notices_and_again_it_finishes(hub, nursery, seen, tmp_path, way):
    """Kill -9 at each request, lost or carried out: main is whole, and the next try sends what is missing alone."""
    hub.part_size, hub.xet.apart = 5_000, True
    old, new = (small_dataset(tmp_path / name, 10, name) for name in ("old", "new"))
    wanted = {name: [entry.sha256 for entry in run.manifest.shards] for name, run in (("old", old), ("new", new))}
    table = Table(hub, nursery, old)
    requests = table.publish(new)
    assert requests["POST"] > 4
    killed = 0
    for blow in blows(requests, way):
        table.reset(new)
        killed += table.kill(new, blow)
        assert seen() in wanted.values()
        there, before = {sha for sha in wanted["new"] if hub.store.find(sha).is_file()}, len(hub.uploads)
        table.publish(new)
        assert seen() == wanted["new"]
        assert not any(sha in request.target for request in hub.uploads[before:] for sha in there)
    assert killed >= requests.total()


@pytest.mark.slow
def test_interrupted_it_says_how_to_go_on_and_exits_130(hub, publish, start, seen, small):
    """Ctrl-C while the Xet client is at work: no traceback, the same command, and a finished publication."""
    child = start(small.path, "xet")
    hub.disturbances = [Disturbance("GET", "/xet-write-token/", act=lambda: child.send_signal(signal.SIGINT))]
    output, errors = child.communicate(timeout=300)
    hub.disturbances = []
    assert child.returncode == 130
    assert output == ""
    assert "run the same command again:\n    vecmill publish " in errors
    assert "Traceback" not in errors
    publish(small.path)
    assert seen() == [entry.sha256 for entry in small.manifest.shards]
