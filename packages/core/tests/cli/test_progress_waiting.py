"""What a real terminal shows while a command waits."""

import contextlib
import os
import pty
import subprocess
import sys

CODE = "from vecmill.cli.progress import waiting\nimport time\nwith waiting('checking [red]out'): time.sleep(0.3)"


def test_a_terminal_shows_what_is_waited_for():
    """A spinner with its words as they are, and the cursor back at the end."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", CODE], stderr=theirs, check=True, env=env)
    os.close(theirs)
    shown = _all_of(ours)
    os.close(ours)
    assert "checking [red]out" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def _all_of(terminal):
    parts = []
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed, and there is no more
        while part := os.read(terminal, 10_000):
            parts.append(part)
    return b"".join(parts).decode()


def test_a_pipe_stays_empty():
    """Nothing is written where nobody watches."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
