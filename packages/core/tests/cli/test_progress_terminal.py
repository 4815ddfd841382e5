"""The command line on a real terminal: what is drawn, and in which colours."""

import os
import pty
import re
import subprocess
import sys
import threading

import pytest

SCRIPT = (
    "import sys; from vecmill.testing import install; install();"
    "from vecmill.cli import main; sys.argv = ['vecmill', *sys.argv[1:]]; main()"
)


@pytest.fixture
def terminal():
    """Run a command line with its output on a terminal of 80 columns; return the exit code and what was written."""

    def run(*args, **env):
        ours, theirs = pty.openpty()
        written = []
        reader = threading.Thread(target=_read, args=(ours, written))
        reader.start()
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **env}
        command = [sys.executable, "-c", SCRIPT, *map(str, args)]
        code = subprocess.run(command, stdout=theirs, stderr=theirs, check=False, env=environment).returncode
        os.close(theirs)
        reader.join()
        os.close(ours)
        return code, b"".join(written).decode()

    return run


def _read(terminal, written):
    while True:
        try:
            written.append(os.read(terminal, 10_000))
        except OSError:  # how Linux says that the other end is closed
            return
        if not written[-1]:
            return


def styles(text):
    """Return the sequences in a text that make it bold or coloured."""
    return re.findall(r"\x1b\[[\d;]+m", text)


def test_a_run_draws_its_progress_and_leaves_the_summary(terminal, job_file):
    """The bar is gone at the end, the cursor is back, the plan and the account stay."""
    code, shown = terminal("run", job_file())
    assert code == 0
    assert "preparing: reading the model and the source" in shown
    assert "of text in 1 shard, into" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert shown.index("documents  20 in = 20 embedded") > shown.rindex("\x1b[2K")


def test_an_error_comes_after_the_bar_is_gone(terminal, job_file):
    """Nothing is drawn over it."""
    code, shown = terminal("run", job_file(), "--set", "source.limt=1")
    assert code == 2
    assert shown.index("vecmill: source.limt: unknown key") > shown.rindex("\x1b[2K")


def test_colours_are_for_terminals_and_can_be_refused(terminal, tmp_path):
    """A terminal gets them, NO_COLOR takes them away."""
    _, shown = terminal("plugins")
    assert styles(shown)
    _, plain = terminal("plugins", NO_COLOR="1")
    assert not styles(plain)
