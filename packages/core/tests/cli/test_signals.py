"""Signals end a command in order: real processes, real signals."""

import signal
import subprocess
import sys
import threading

import pytest

from vecmill.cli import signals

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
STILL = """
    import time
    from pathlib import Path
    from vecmill.concurrency import interrupt_requested
    while len(list(Path({receipts!r}).glob("*.json"))) > 1 and not interrupt_requested():
        time.sleep(0.01)"""
STUCK = """
    import signal, time
    while True:
        time.sleep(0.01)"""


@pytest.fixture
def start():
    """Start a run in a process of its own, and wait until it embeds; its standard error is kept."""
    children = []

    def run(*args, slow=""):
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
    receipts = tmp_path / "out" / ".vecmill" / "receipts"
    child, _ = start(*args, slow=STILL.format(receipts=str(receipts)))
    while len(list(receipts.glob("*.json"))) < 2:
        _until(child, "embedding\n")
    child.send_signal(number)
    output, errors = child.communicate(timeout=300)
    assert child.returncode == 130
    assert output == ""
    assert "Traceback" not in errors
    assert "vecmill: interrupted: " in errors
    assert "shards are done\nto resume, run the same command again:\n" in errors
    assert errors.splitlines()[-1] == f"    vecmill run {job} --set 'name=a b'"
    kept = len(list(receipts.iterdir()))
    again, _ = start(*args)
    output, errors = again.communicate(timeout=300)
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
    assert stopped.wait(300)
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    assert child.wait(300) == 130
    reader.join(300)
    assert "vecmill: stopped at once\n" in lines
    assert "Traceback" not in "".join(lines)


ALONE = """
import atexit, functools, hashlib, operator, os, queue, signal, sys, threading, time
from vecmill.cli import main, signals as interrupt
interrupt.LIMIT_SECONDS = {patience}
def forever():  # in C, where no signal handler of Python's gets its turn
    threading.Timer(0.5, print, ["ready"], {{"flush": True}}).start()
    hashlib.pbkdf2_hmac("sha512", b"", b"", 2**31 - 1)
def soon_waiting():  # at work in C, and then, without a moment for a signal handler, waiting for what never comes
    work = functools.partial(hashlib.pbkdf2_hmac, "sha512", b"", b"", 300_000)
    threading.Timer(0.1, print, ["ready"], {{"flush": True}}).start()
    list(map(operator.call, [work, queue.SimpleQueue().get]))
def linger(seconds, write=os.write, sleep=time.sleep):
    write(1, b"ready\\n")
    sleep(seconds)
class Finalized:
    def __init__(self, seconds):
        self.__class__.__del__ = lambda self, linger=linger: linger(seconds)
def finalize():
    Finalized(600)
    time.sleep(600)
def suppress():
    try:
        linger(600)
    except KeyboardInterrupt:
        pass
    time.sleep(600)
def linger_at_the_end():
    while not interrupt._ended:
        time.sleep(0.01)
    linger(1)
def tidy():
    try:
        linger(600)
    finally:
        time.sleep(1)
        os.write(2, b"tidy")
{setup}
import vecmill.cli.main
sys.modules["vecmill.cli.main"]._click = {click}
main()
"""


@pytest.fixture
def signalled():
    """Run some code as the command, send it signals once it says that it is ready; return its exit code and errors."""

    def run(click, *numbers, setup="", patience=600):
        code = ALONE.format(click=click, setup=setup, patience=patience)
        pipe = subprocess.PIPE
        with subprocess.Popen([sys.executable, "-c", code], stdout=pipe, stderr=pipe, bufsize=0) as child:
            try:
                assert child.stdout.readline() == b"ready\n"
                first, *others = numbers
                child.send_signal(first)
                errors = ""
                for number in others:
                    errors += _announced(child)  # or the system would make one of two
                    child.send_signal(number)
                errors += child.communicate(timeout=300)[1].decode()
            finally:
                child.kill()
        assert "Traceback" not in errors
        assert "Exception ignored" not in errors
        return child.returncode, errors

    return run


def _announced(child):
    said = b""
    while not said.endswith(b"once more to stop at once)\n"):
        line = child.stderr.readline()
        assert line, said
        said += line
    return said.decode()


def test_the_second_signal_ends_even_what_is_deep_in_a_library(signalled):
    """The main thread hears of neither signal, and the process ends all the same."""
    code, errors = signalled("forever", signal.SIGTERM, signal.SIGTERM)
    assert (code, errors) == (130, "\nvecmill: stopping (once more to stop at once)\n\nvecmill: stopped at once\n")


def test_what_does_not_stop_is_stopped_when_patience_ends(signalled):
    """One signal is enough, sooner or later."""
    code, errors = signalled("forever", signal.SIGTERM, patience=0.3)
    assert code == 130
    assert errors.endswith("\nvecmill: not stopped after 0 s, so stopped at once\n")


def test_patience_is_half_a_minute_and_two_seconds_for_what_does_not_ask():
    """As the README and docs/design.md say."""
    assert (signals.LIMIT_SECONDS, signals.SAFE_POINT_SECONDS) == (30, 2)


def test_threads_of_libraries_are_not_waited_for(signalled):
    """Python waits for them at its end; an interrupted command does not, but what is to be done at exit is done."""
    setup = "threading.Thread(target=time.sleep, args=(600,)).start(); atexit.register(os.write, 2, b'cleared')"
    code, errors = signalled("lambda: linger(600)", signal.SIGTERM, setup=setup)
    assert (code, errors) == (130, "\nvecmill: stopping (once more to stop at once)\ncleared")


def test_a_signal_just_before_a_wait_ends_the_wait(signalled):
    """It has come when the main thread begins to wait, so it does not wake it; the command stops all the same."""
    code, errors = signalled("soon_waiting", signal.SIGTERM, patience=60)
    assert (code, errors) == (130, "\nvecmill: stopping (once more to stop at once)\n")


@pytest.mark.parametrize("swallow", ["finalize", "suppress"])
def test_an_interrupt_that_is_lost_comes_again(signalled, swallow):
    """What is raised in a finalizer, or while some libraries are imported, is lost; the command stops all the same."""
    code, errors = signalled(swallow, signal.SIGTERM)
    assert (code, errors) == (130, "\nvecmill: stopping (once more to stop at once)\n")


def test_what_tidies_up_is_not_disturbed(signalled):
    """However long it takes."""
    code, errors = signalled("tidy", signal.SIGTERM)
    assert (code, errors) == (130, "\nvecmill: stopping (once more to stop at once)\ntidy")


@pytest.mark.parametrize(
    "late",
    [
        "atexit.register(linger, 1)",
        "threading.Thread(target=linger_at_the_end).start()",
        "sys.last_one = Finalized(1)",  # which goes when Python has given signals back to the system
    ],
)
def test_a_signal_after_the_end_changes_nothing(signalled, late):
    """A command that is done says so with its exit code, however long Python takes to tidy up."""
    assert signalled("lambda: sys.exit(1)", signal.SIGTERM, setup=late) == (1, "")


def test_a_shell_that_ignores_ctrl_c_for_a_job_is_obeyed():
    """Started with the signal ignored, as ``nohup`` and ``&`` do, the command keeps ignoring it."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from vecmill.cli import signals as interrupt;"
        "interrupt.install(); print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
