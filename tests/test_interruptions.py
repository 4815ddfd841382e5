"""A run that is killed or interrupted goes on, and ends with the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from doubles.hub import HubDouble
from doubles.tei import MODEL, RouterDouble
from reliability.commands import Commands
from reliability.interrupting import Interrupting
from reliability.killing import STAND_INS, VECMILL, Killing
from reliability.processes import Family
from reliability.small_job import write_job

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the family of a process is read from /proc")
KILLS = int(os.environ.get("VECMILL_KILLS", "5"))
"""How often to kill; ``VECMILL_KILLS=100`` for the long version."""
INTERRUPTS = 4
"""How often to interrupt a command."""


@pytest.fixture
def family():
    """What a test starts, and all that those start; none is left when the test ends."""
    family = Family()
    yield family
    family.kill(*family.pids())


@pytest.fixture
def start(family):
    """Start a command."""
    started = []

    def run(*arguments):
        pipe = subprocess.PIPE
        command = [str(VECMILL), *map(str, arguments)]
        child = subprocess.Popen(command, env=family.environment | STAND_INS, stdout=pipe, stderr=pipe, text=True)
        started.append(child)
        return child

    yield run
    for child in started:
        if child.poll() is None:
            child.kill()
        child.communicate()


@pytest.fixture
def finish(vecmill, monkeypatch):
    """Run a command to its end."""
    for name, value in STAND_INS.items():
        monkeypatch.setenv(name, value)
    return vecmill


def until(child, happened):
    """Wait until something has happened in a run."""
    while not happened():
        assert child.poll() is None, child.communicate()
        time.sleep(0.02)


def receipts(out):
    """Return the receipts that an unfinished run has."""
    return list((out / ".vecmill" / "receipts").glob("*.json"))


@pytest.mark.fault(
    "crash",
    "the run, a worker, or all of it is killed (SIGKILL, no power)",
    promise="The same command continues. The files are byte for byte those of an uninterrupted run, no shard with a "
    "receipt is repeated, no process and no temporary file stays.",
)
def test_killed_at_random_moments_a_run_ends_byte_identical(tmp_path):
    """Kill -9 at any moment, driver and workers together or alone: same bytes, nothing twice, nothing left."""
    job = write_job(tmp_path)
    killing = Killing(lambda out: ["run", job, "-q", "--set", f"publish.0.path={out}"], tmp_path)
    killing.rounds(KILLS)
    assert killing.resumed


@pytest.mark.fault(
    "crash",
    "the run is killed while a real model embeds",
    promise="The vectors are the same too, bit for bit, on the same kind of machine.",
)
def test_killed_with_a_real_model_a_run_ends_byte_identical(tmp_path):
    """The same with the demo's model: what the engine computes does not depend on what was done before."""
    job = write_job(tmp_path, 30, embedder=f'name = "openvino"\nmodel = "{MODEL}"', target_mb=0.02)
    killing = Killing(lambda out: ["run", job, "-q", "--set", f"publish.0.path={out}"], tmp_path)
    killing.rounds(1)


@pytest.mark.fault(
    "interruption",
    "SIGINT or SIGTERM",
    promise="Finished shards stay, the current one is abandoned even if its engine never answers; exit code 130, and "
    "the message names the command that continues.",
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on_and_exits_130(start, finish, family, tmp_path, number):
    """Interrupted while the engine is silent: no half file, no worker left, and the way to resume."""
    with RouterDouble(MODEL, vectors="random", script=[None] * 3, rates={"slow": 1.0}, slow_s=3600) as router:
        embedder = f'name = "tei"\nmodel = "{MODEL}"\nurl = "{router.url}"\nmax_in_flight = 1'
        job = write_job(tmp_path, 60, embedder=embedder, target_mb=0.02)
        child = start("run", job)
        until(child, lambda: receipts(tmp_path / "out"))
        child.send_signal(number)
        _, errors = child.communicate(timeout=300)
        assert child.returncode == 130
        assert "run the same command again" in errors
        assert "Traceback" not in errors
        family.wait_until_gone()
        assert list(tmp_path.rglob("*.partial")) == []
        finished = len(receipts(tmp_path / "out"))
        assert finished
        router.behave()
        manifest = json.loads(finish("run", job, "-q", "--json").stdout)
    assert len(manifest["shards"]) > finished
    finish("verify", tmp_path / "out")


@pytest.mark.fault(
    "interruption",
    "SIGINT or SIGTERM at any moment of any command",
    promise="It ends in order with 130, or with its own exit code if it had finished: no traceback, no process and "
    "no temporary file stays, and the same command makes the same dataset.",
)
@pytest.mark.slow
def test_a_signal_at_any_moment_ends_a_command_in_order(tmp_path):
    """Interrupted over its whole life, from Python's start on; ``hatch run interrupts`` does it to each command."""
    with HubDouble(tmp_path / "hub") as hub:
        case = next(case for case in Commands(tmp_path, hub).all() if case.name == "run, inline")
        interrupting = Interrupting(case, tmp_path)
        interrupting.rounds(INTERRUPTS)
    assert interrupting.finds == []
    assert interrupting.ends.total() == INTERRUPTS


@pytest.mark.fault(
    "interruption",
    "a second SIGINT, while workers do not stop",
    promise="The command ends at once, its workers with it; no file is corrupt.",
)
def test_a_second_interrupt_stops_at_once(start, finish, family, tmp_path):
    """Workers that answer to nothing do not hold the command up, and do not outlive it."""
    job = write_job(tmp_path, 600)
    child = start("run", job)
    until(child, lambda: receipts(tmp_path / "out"))
    child.send_signal(signal.SIGSTOP)  # it gives its workers nothing more while they are looked for
    workers = [pid for pid in family.pids() if pid != child.pid]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    child.send_signal(signal.SIGCONT)
    child.send_signal(signal.SIGINT)
    errors = iter(child.stderr.readline, "")
    assert any("once more to stop at once" in line for line in errors)
    child.send_signal(signal.SIGINT)
    _, rest = child.communicate(timeout=300)
    assert child.returncode == 130
    assert "stopped at once" in rest
    family.wait_until_gone()
    finish("run", job, "-q")
    finish("verify", tmp_path / "out")
    assert not (tmp_path / "out" / ".vecmill").exists()


@pytest.mark.fault(
    "interruption",
    "SIGINT while a very large source is read for its fingerprint",
    promise="The command ends within moments; no work has begun.",
)
def test_an_interrupt_while_the_source_is_hashed(start, family, tmp_path):
    """A fingerprint that would take a quarter of an hour is not waited for."""
    job = write_job(tmp_path, 60)
    os.truncate(tmp_path / "corpus.jsonl", 1 << 40)
    child = start("run", job)
    until(child, lambda: _reads(child.pid, tmp_path / "corpus.jsonl"))
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=300)
    assert child.returncode == 130
    assert "interrupted before the work began" in errors
    family.wait_until_gone()


def _reads(pid, path):
    return any(os.path.realpath(file) == str(path) for file in Path(f"/proc/{pid}/fd").iterdir())


@pytest.mark.fault(
    "folder",
    "two runs at the same time in one folder",
    promise="The second is refused with one message; the first is not disturbed.",
)
def test_two_runs_in_one_folder_are_refused(start, finish, tmp_path):
    """The second command in a folder gets one clear error, by whatever path it comes; the first goes on."""
    job = write_job(tmp_path, 600)
    (tmp_path / "by-link").symlink_to("out")
    first = start("run", job)
    until(first, (tmp_path / "out" / ".vecmill").is_dir)
    first.send_signal(signal.SIGSTOP)  # it holds the folder for as long as the second one takes
    again = finish("run", job, "--set", f"publish.0.path={tmp_path / 'by-link'}", code=1)
    assert "another run works in" in again.stderr
    first.send_signal(signal.SIGCONT)
    first.communicate(timeout=300)
    assert first.returncode == 0
    finish("verify", tmp_path / "out")
