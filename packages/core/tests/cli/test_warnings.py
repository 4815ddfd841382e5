"""Tests of vecmill.cli.warnings, through the real command."""

import os
import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.executable).with_name("vecmill")
PLUGIN = """
import warnings
import vecmill

@vecmill.hookimpl
def vecmill_run_event(event):
    warnings.warn("from a library", RuntimeWarning)
    raise ZeroDivisionError("\\x1b[31mof its own")
"""


def test_an_observer_that_fails_is_a_message_of_the_command_and_others_warnings_stay(job_file, tmp_path):
    """One line with the plugin's name and what to do, once, without control sequences; the run is done."""
    (tmp_path / "bad_observer.py").write_text(PLUGIN)
    plugins = "bad=bad_observer,vecmill-testing=vecmill.testing.plugin"
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "VECMILL_PLUGINS": plugins}
    done = subprocess.run([COMMAND, "run", job_file()], capture_output=True, text=True, check=True, env=env)

    (line,) = [line for line in done.stderr.splitlines() if line.startswith("vecmill: warning: ")]
    assert line == (
        "vecmill: warning: plugin 'bad' (bad_observer) failed at RunStarted and is told no more of this run: "
        "ZeroDivisionError: of its own; update it, or set VECMILL_DISABLE_PLUGINS=bad"
    )
    assert "PluginWarning" not in done.stderr
    assert "bad_observer.py:7: RuntimeWarning: from a library" in done.stderr
    assert done.stdout.startswith("documents ")
