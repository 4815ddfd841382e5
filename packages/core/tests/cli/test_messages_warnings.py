"""Warnings of libraries are shown as messages, through the real command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("vecmill")
PLUGIN = """
import warnings
import vecmill

@vecmill.hookimpl
def vecmill_run_event(event):
    warnings.warn("from a library" + chr(27) + "[2J" + chr(0x202e), RuntimeWarning)
    raise ZeroDivisionError("\\x1b[31mof its own")
"""


BROKEN = """
import logging
logging.getLogger("a.library").warning("of a\\nlibrary")
raise ImportError("nothing works")
"""


@pytest.fixture
def run(job_file, tmp_path):
    """Run a job with a plugin that cannot be imported, and one whose observer fails; return what was written."""
    (tmp_path / "bad_observer.py").write_text(PLUGIN)
    (tmp_path / "broken.py").write_text(BROKEN)
    plugins = "bad=bad_observer,broken=broken,vecmill-testing=vecmill.testing.plugin"
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "VECMILL_PLUGINS": plugins}
    job = job_file()

    def run(*args, code=0):
        done = subprocess.run([COMMAND, "run", job, *args], capture_output=True, text=True, check=False, env=env)
        assert done.returncode == code, done.stderr
        return done

    return run


def test_where_the_log_is_on_standard_error_every_line_there_is_one_of_its_events(run):
    """Warnings of plugins, and what libraries warn of, log and print; an error too, with its traceback if asked for."""
    done = run("--log-json")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    warned = [event["text"] for event in events if event["event"] == "command.warned"]
    assert [text.split(" (")[0] for text in warned] == ["plugin 'broken'", "plugin 'bad'"]
    said = [event["text"] for event in events if event["event"] == "command.said"]
    assert said[:2] == ["of a", "library"]
    assert "RuntimeWarning: from a library" in " ".join(said)
    assert done.stdout.startswith("documents ")

    for debug in ([], ["--debug"]):
        *_, ended = [
            json.loads(line)
            for line in run(*debug, "--set", "source.path=none", "--log-json", code=2).stderr.splitlines()
        ]
        assert "there is no file or folder 'none'" in ended["error"]
        assert ("Traceback" in ended.get("traceback", "")) == bool(debug)


@pytest.mark.parametrize("command", ["run", "publish"])
def test_a_component_that_a_broken_plugin_has_is_one_message(run, job_file, tmp_path, command):
    """With the error of the import: no warning before it that says the half, and none that says nothing of it.

    A sign of life is no message: where the imports take more than a second, the command says that it prepares.
    """
    has = "from vecmill import Publisher\nimport nonesuch\nclass Mine:\n    name = 'mine'\n"
    (tmp_path / "broken.py").write_text(has)
    args = {
        "run": ("run", job_file(), "--quiet", "--set", "chunker.name=mine"),
        "publish": ("publish", tmp_path, "--to", "mine"),
    }[command]
    kind = "chunker" if command == "run" else "publisher"
    if command == "publish":
        run()
        args = ("publish", tmp_path / "out", "--to", "mine")
    env = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "VECMILL_PLUGINS": "broken=broken,vecmill-testing=vecmill.testing.plugin",
    }
    done = subprocess.run([COMMAND, *args], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if not line.startswith("vecmill: preparing: ")]
    assert "\n".join(told) == (
        f"vecmill: there is no {kind} 'mine': plugin 'broken' (broken), which has it, could not be imported: "
        "ModuleNotFoundError: No module named 'nonesuch'; install the plugin again, or update it"
    )


def test_a_log_file_tells_of_plugins_as_well(run, tmp_path):
    """And so does the terminal."""
    done = run("--log-json", str(tmp_path / "log.jsonl"))
    events = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    warned = [f"vecmill: warning: {event['text']}" for event in events if event["event"] == "command.warned"]
    assert len(warned) == 2
    assert set(warned) < set(done.stderr.splitlines())


def test_an_observer_that_fails_is_a_message_of_the_command_and_others_warnings_stay(job_file, tmp_path):
    """One line with the plugin's name and what to do, once, without control sequences; the run is done."""
    (tmp_path / "bad_observer.py").write_text(PLUGIN)
    plugins = "bad=bad_observer,vecmill-testing=vecmill.testing.plugin"
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "VECMILL_PLUGINS": plugins}
    done = subprocess.run([COMMAND, "run", job_file()], capture_output=True, text=True, check=True, env=env)

    (line,) = [line for line in done.stderr.splitlines() if line.startswith("vecmill: warning: ")]
    assert line == (
        "vecmill: warning: plugin 'bad' (bad_observer) failed at RunStarted and gets no more events of this run: "
        "ZeroDivisionError: of its own; update it, or set VECMILL_DISABLE_PLUGINS=bad"
    )
    assert "PluginWarning" not in done.stderr
    assert "bad_observer.py:7: RuntimeWarning: from a library\n" in done.stderr
    assert done.stdout.startswith("documents ")
