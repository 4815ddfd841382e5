"""Outcome: what the driver hears of an attempt that failed."""

from vecmill.errors import EmbedError, EngineError, SourceError, UnfitEngineError
from vecmill_modal_runtime.dispatch import failure

DIED = "the router ended with code -9:\n    its last line"


def test_an_engine_that_failed_is_told_with_its_routers_last_words():
    """Only then: a damaged source has nothing to do with them."""
    assert failure(3, EngineError("no answer"), DIED).error == f"EngineError: no answer\n    {DIED}"
    assert failure(3, EngineError("no answer")).error == "EngineError: no answer"
    for error in (SourceError("row 3"), EmbedError("row 3"), KeyError("x")):
        assert "router" not in failure(3, error, DIED).error


def test_an_engine_that_refuses_everything_is_told_as_such():
    """The driver stops a run that it would go on with after another failure."""
    assert (failure(3, UnfitEngineError("no")).final, failure(3, UnfitEngineError("no")).engine) == (True, True)
    assert (failure(3, EngineError("no")).final, failure(3, EngineError("no")).engine) == (False, False)


def test_the_secrets_of_a_container_stay_there(monkeypatch):
    """The driver does not know them, so it could not hide them."""
    monkeypatch.setenv("HF_TOKEN", "hf_OfTheContainer")
    assert failure(0, EngineError("401 for hf_OfTheContainer")).error == "EngineError: 401 for ***"
