"""Tests of vecmill.cli.main, through the real command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import vecmill

COMMAND = Path(sys.executable).with_name("vecmill")
OURS = {"vecmill", "vecmill_local_runtime", "vecmill_modal_runtime", "vecmill_openvino", "vecmill_publishers"}
OPTIONS = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}
"""What options are made of. To import it takes longer than all else that a listing does."""


def modules_after(*args):
    """Run a command line, and return its output and the packages it imported that do not come with Python."""
    code = (
        "import atexit, sys; before = set(sys.modules);"
        "from vecmill.cli import main; sys.argv = ['vecmill', *sys.argv[1:]];"
        "new = lambda: {m.partition('.')[0] for m in sys.modules.keys() - before if sys.modules[m]};"
        "atexit.register(lambda: print('MODULES', *new())); main()"
    )
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=True)
    shown, _, modules = done.stdout.partition("MODULES ")
    return shown, {name for name in modules.split() if name not in sys.stdlib_module_names and name[0] != "_"}


@pytest.mark.parametrize("args", [("--help",), ("--version",), ("run", "--help"), ("init", "--help")])
def test_help_imports_next_to_nothing(args):
    """It answers at once because click is all it needs."""
    _, modules = modules_after(*args)
    assert modules == {"vecmill", "click"}


@pytest.mark.parametrize(("args", "more"), [((), set()), (("--json",), OPTIONS)])
def test_listing_plugins_imports_no_library_that_computes(args, more):
    """Component classes are cheap to import: what they use is imported when it is used, their options when read."""
    shown, modules = modules_after("plugins", *args)
    assert "paragraphs" in shown
    assert modules - OURS == {"click", "pluggy", *more}


@pytest.mark.parametrize("command", [[str(COMMAND)], [sys.executable, "-m", "vecmill"]])
def test_the_installed_command_answers(command):
    """As a script and as a module, under the same name."""
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout == f"vecmill, version {vecmill.__version__}\n"
    wrong = subprocess.run([*command, "verfy"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "Usage: vecmill" in wrong.stderr
    assert "did you mean 'verify'?" in wrong.stderr


def test_a_terminal_that_knows_no_unicode_gets_replacements(tmp_path):
    """An error that quotes a name in Chinese is no second error."""
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    missing = tmp_path / "語.toml"
    done = subprocess.run([COMMAND, "run", missing], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 2
    assert "there is no job file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early_is_no_error():
    """``vecmill plugins | head -1`` prints a line and no traceback."""
    pipeline = f"{COMMAND} plugins --json | head -c 1"
    done = subprocess.run(pipeline, shell=True, capture_output=True, text=True, check=True)  # noqa: S602 - a pipe is the point
    assert (done.stdout, done.stderr) == ("{", "")


def test_libraries_do_not_draw_bars_of_their_own():
    """Unless the user asks for them."""
    code = (
        "import sys; from vecmill.cli import main; sys.argv = ['vecmill', '--version']\n"
        "try:\n    main()\nfinally:\n    from huggingface_hub import constants\n"
        "    print(constants.HF_HUB_DISABLE_PROGRESS_BARS)"
    )
    for wish, expected in ((None, "True"), ("0", "False")):
        env = {key: value for key, value in os.environ.items() if key != "HF_HUB_DISABLE_PROGRESS_BARS"}
        env |= {"HF_HUB_DISABLE_PROGRESS_BARS": wish} if wish else {}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
        assert done.stdout.splitlines()[-1] == expected
