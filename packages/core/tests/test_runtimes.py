"""What runtimes are built with: the outcome of a task that failed, and whether it is worth another attempt."""

from types import SimpleNamespace
from typing import Any

import pytest

from vecmill import errors
from vecmill.runtimes import describe_failure, is_final

TASK: Any = SimpleNamespace(index=3)
FINAL = {"ConfigError", "ModelError", "PluginError", "ReuseError", "SourceError", "StoreError", "UnfitEngineError"}


def test_a_failure_names_no_secret(monkeypatch):
    """Where it is made, as the driver's environment is another than a worker's."""
    monkeypatch.setenv("SOME_API_KEY", "a-key-of-the-worker")
    for error in (errors.EngineError("401 for a-key-of-the-worker"), KeyError("a-key-of-the-worker")):
        assert "a-key" not in describe_failure(TASK, error).error
    assert describe_failure(TASK, errors.EngineError("401 for a-key-of-the-worker"), 2).error == "401 for ***"


def test_a_failure_says_whether_the_engine_refuses_whatever_it_is_given():
    """Then no other shard need be tried. What is no error of ours is named by its class."""
    assert describe_failure(TASK, errors.UnfitEngineError("no")).engine
    assert not describe_failure(TASK, errors.EngineError("no")).engine
    assert describe_failure(TASK, ValueError("no"), 2).error == "ValueError: no"
    assert (
        describe_failure(TASK, ValueError("no"), 2).index,
        describe_failure(TASK, ValueError("no"), 2).attempts,
    ) == (3, 2)


@pytest.mark.parametrize("name", [name for name in vars(errors) if name.endswith("Error")])
def test_what_another_attempt_would_meet_again_is_final(name):
    """And nothing else: a text, an engine or a machine may do better the next time."""
    assert is_final(vars(errors)[name]("no")) == (name in FINAL)
    assert not is_final(ValueError("no"))
