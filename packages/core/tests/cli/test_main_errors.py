"""Commands by name, errors and exit codes."""

import click
import pytest

from vecmill import concurrency
from vecmill.cli.main import COMMANDS, group
from vecmill.errors import VecmillError


def test_every_listed_command_exists_and_shows_an_example(invoke):
    """``--help`` of each has its own line, an example of itself, and ``--debug``."""
    listing = invoke("--help").output
    for name, line in COMMANDS.items():
        assert f"{name} " in listing
        assert line in listing
        text = invoke(name, "--help").output
        assert f"Example:\n    vecmill {name}" in text
        assert "--debug" in text


def test_help_fits_eighty_columns(invoke):
    """No line of any help is wider."""
    for args in ([], *([name] for name in COMMANDS)):
        assert max(map(len, invoke(*args, "--help").output.splitlines())) <= 80


@pytest.mark.parametrize(("typed", "hint"), [("serach", "did you mean 'search'?"), ("xyz", "there are run, estimate")])
def test_an_unknown_command_is_a_usage_error_with_a_hint(invoke, typed, hint):
    """The nearest name, or else all of them; exit code 2."""
    assert f"no such command {typed!r}: {hint}" in invoke(typed, code=2).stderr


@pytest.mark.parametrize("args", [(), ("run",), ("search", "x", "y", "--nope"), ("verify", "a", "b")])
def test_usage_errors_exit_with_2(invoke, args):
    """Also when nothing, or too little, or too much is said."""
    assert "Usage: vecmill" in invoke(*args, code=2).stderr


@pytest.mark.parametrize(("error", "code"), [(cls, cls.exit_code) for cls in VecmillError.__subclasses__()])
def test_an_error_is_one_message_and_its_exit_code(invoke, monkeypatch, error, code):
    """No traceback, nothing on standard output, and 2 only for what was wrong from the start."""
    monkeypatch.setitem(COMMANDS, "boom", "Fail.")
    monkeypatch.setattr(type(group), "get_command", lambda *_: _raising(error("the sky fell\x1b[2J: duck")))
    result = invoke("boom", code=code)
    assert (result.stdout, result.stderr) == ("", "vecmill: the sky fell: duck\n")
    assert code == (2 if error.__name__ == "ConfigError" else 1)


@pytest.mark.parametrize("error", [VecmillError, ValueError])
def test_a_message_of_any_length_keeps_its_ends_and_its_bounds(invoke, monkeypatch, error):
    """What a stranger's name pushes off the screen is what happened, or what to do."""
    monkeypatch.setitem(COMMANDS, "boom", "Fail.")
    monkeypatch.setattr(type(group), "get_command", lambda *_: _raising(error(f"no {'x' * 300_000}: choose another")))
    said = invoke("boom", code=1).stderr
    assert len(said) < 11_000
    assert "no xxx" in said
    assert "xxx: choose another\n" in said


def test_an_unforeseen_error_says_whose_fault_it_is(invoke, monkeypatch):
    """It names its kind, and the switch that shows where it was."""
    monkeypatch.setitem(COMMANDS, "boom", "Fail.")
    monkeypatch.setattr(type(group), "get_command", lambda *_: _raising(ZeroDivisionError("division by zero")))
    stderr = invoke("boom", code=1).stderr
    assert stderr.startswith("vecmill: ZeroDivisionError: division by zero\n")
    assert "--debug" in stderr


def test_an_interrupt_that_a_library_turned_into_an_error_is_still_one(invoke, monkeypatch):
    """Extension modules report an interrupted import as ImportError; the user pressed Ctrl-C all the same."""
    monkeypatch.setitem(COMMANDS, "boom", "Fail.")
    monkeypatch.setattr(type(group), "get_command", lambda *_: _raising(ImportError("initialization failed")))
    monkeypatch.setattr(concurrency, "_requested", True)
    assert invoke("boom", code=130).stderr == ""


@pytest.mark.parametrize("args", [("--debug", "verify"), ("verify", "--debug")])
def test_debug_shows_the_traceback_wherever_it_is_said(invoke, tmp_path, args):
    """Before or after the command; the message still comes last, and the exit code stays."""
    stderr = invoke(*args, tmp_path, code=1).stderr
    assert stderr.startswith("Traceback")
    assert stderr.splitlines()[-1].startswith(
        f"vecmill: {tmp_path} holds no finished dataset: vecmill made nothing there"
    )


def test_debug_after_two_dashes_is_an_argument(invoke, tmp_path):
    """What follows ``--`` belongs to the command."""
    assert "Traceback" not in invoke("search", tmp_path, "--", "--debug", code=1).stderr


def _raising(error):
    @click.command
    def boom():
        raise error

    return boom
