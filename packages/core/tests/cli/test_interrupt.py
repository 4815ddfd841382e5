"""Tests of vecmill.cli.interrupt: real processes, real signals."""

import signal
import subprocess
import sys
import threading

import pytest

SCRIPT = """
import os, sys
from vecmill.testing import install, HashEmbedder
install()
real = HashEmbedder.embed
def embed(self, texts):
    os.write(2, b"embedding\\n")  # in one piece, whatever other threads print
    {slow}
    return real(self, texts)
HashEmbedder.embed = embed
from vecmill.cli import main
sys.argv = ["vecmill", *sys.argv[1:]]
main()
"""
SLOW = "import time; time.sleep(0.05)"
STUCK = """
    import signal, time
    while True:
        time.sleep(0.01)"""


@pytest.fixture
def start():
    """Start a run in a process of its own, and wait until it embeds; its standard error is kept."""
    children = []

    def run(*args, slow=SLOW):
        # Tests may be run in the background by a shell that ignores Ctrl-C for them, and so for their children.
        old = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            child = subprocess.Popen(
                [sys.executable, "-c", SCRIPT.format(slow=slow), *map(str, args)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        finally:
            signal.signal(signal.SIGINT, old)
        children.append(child)
        return child, _until(child, "embedding\n")

    yield run
    for child in children:
        child.kill()
        child.communicate()


def _until(child, mark):
    lines = []
    for line in child.stderr:
        lines.append(line)
        if line == mark:
            return lines
    raise AssertionError("".join(lines))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on_and_then_does(start, job_file, tmp_path, number):
    """Exit 130, the shards that are kept, the exact command to repeat; repeated, it does the rest."""
    job = job_file(400, shards="target_mb = 0.02")
    args = ["run", job, "--set", "name=a b"]
    child, _ = start(*args)
    receipts = tmp_path / "out" / ".vecmill" / "receipts"
    while not (receipts.is_dir() and len(list(receipts.iterdir())) > 1):
        _until(child, "embedding\n")
    child.send_signal(number)
    output, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    assert output == ""
    assert "Traceback" not in errors
    assert "vecmill: interrupted; done and kept: " in errors
    assert "shards.\nTo go on, run the same command again:\n" in errors
    assert errors.splitlines()[-1] == f"    vecmill run {job} --set 'name=a b'"
    kept = len(list(receipts.iterdir()))
    again, _ = start(*args, slow="")
    output, errors = again.communicate(timeout=60)
    assert again.returncode == 0
    assert f"{kept:,} were done before" in output


def test_the_second_signal_stops_at_once(start, job_file):
    """When the orderly way out is blocked, one more Ctrl-C ends the process, without a traceback."""
    child, _ = start("run", job_file(), slow=STUCK)
    stopped = threading.Event()

    def read():
        for line in child.stderr:
            if "stopping" in line:
                stopped.set()
            lines.append(line)

    lines = []
    reader = threading.Thread(target=read)
    reader.start()
    child.send_signal(signal.SIGINT)
    assert stopped.wait(30)
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    assert child.wait(30) == 130
    reader.join(30)
    assert "vecmill: stopped at once\n" in lines
    assert "Traceback" not in "".join(lines)


def test_a_shell_that_ignores_ctrl_c_for_a_job_is_obeyed():
    """Started with the signal ignored, as ``nohup`` and ``&`` do, the command keeps ignoring it."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from vecmill.cli import interrupt;"
        "interrupt.install(); print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
