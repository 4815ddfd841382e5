"""Answer: an expected error goes from the container to the command as a value, and ends it in one message."""

import pickle

import modal
import pytest

from vecmill.errors import ConfigError, RunError, StoreError
from vecmill_modal_runtime.launcher import answer, report_errors, unwrap_answer


def refuse():
    """Raise what a driver raises."""
    raise ConfigError("no hf_verysecrettoken here")


def test_an_error_is_a_value_in_the_container_and_an_error_for_the_command(monkeypatch):
    """Of the same kind, without the container's secrets, nothing of its insides; what is made comes as it is."""
    monkeypatch.setenv("HF_TOKEN", "hf_verysecrettoken")
    came = pickle.loads(pickle.dumps(answer(refuse)))  # noqa: S301 - as Modal sends it
    with pytest.raises(ConfigError, match=r"^no \*\*\* here$"):
        unwrap_answer(came)
    assert unwrap_answer(answer(lambda: {"documents": 1})) == {"documents": 1}

    def late():
        raise modal.exception.FunctionTimeoutError("a download took too long")

    with pytest.raises(RunError, match="FunctionTimeoutError: a download took too long"):
        unwrap_answer(answer(late))


def test_an_error_drives_no_terminal(capsys):
    """It may quote a corpus."""
    with pytest.raises(SystemExit), report_errors():
        raise StoreError("\x1b[2Jgone")
    assert "\x1b" not in capsys.readouterr().err


def test_a_fault_is_no_answer():
    """What nobody raised on purpose is shown with its traceback."""
    with pytest.raises(ZeroDivisionError):
        answer(lambda: 1 / 0)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ConfigError("wrong"), 2, "wrong"),
        (StoreError("gone"), 1, "gone"),
        (modal.exception.AuthError("no token"), 2, "Modal does not know this machine (no token): `modal setup` makes"),
        (
            modal.exception.FunctionTimeoutError("late"),
            1,
            "Modal could not run it: FunctionTimeoutError: late. ",
        ),
    ],
)
def test_a_command_ends_with_one_message_and_the_errors_code(capsys, error, code, message):
    """As ``vecmill`` does, also where it is Modal that fails: a run may take longer than Modal's one day."""
    with pytest.raises(SystemExit) as ended, report_errors():
        raise error
    assert ended.value.code == code
    said = capsys.readouterr().err
    assert said.startswith(f"vecmill: {message}")
    assert said.count("\n") == 1
