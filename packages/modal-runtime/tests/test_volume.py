"""Volume: what Modal does not do with it is told, and hides no error that came before."""

from types import SimpleNamespace

import modal
import pytest

from vecmill.errors import RunError, StoreError
from vecmill_modal_runtime import volume
from vecmill_modal_runtime.volume import ending_with


@pytest.mark.parametrize(
    ("error", "step", "message"),
    [
        (RuntimeError("there are open files"), "reload", r"could not be seen \(there are open files\): run again"),
        (
            modal.exception.ServiceError("unavailable"),
            "commit",
            r"could not be committed .* \(unavailable\): ",
        ),
    ],
)
def test_what_modal_refuses_is_an_error_of_ours(monkeypatch, error, step, message):
    """The driver ends with one message; a worker loses an attempt."""

    def refuse():
        raise error

    monkeypatch.setattr(volume, "volume", lambda: SimpleNamespace(commit=refuse, reload=refuse))
    with pytest.raises(StoreError, match=message):
        getattr(volume, step)()


def test_the_first_failure_is_the_one_that_is_told():
    """A run that failed is committed all the same; a commit that fails, too, does not take its message's place."""
    steps = []

    def step():
        steps.append("commit")
        raise StoreError("not committed")

    with pytest.raises(RunError, match="shards failed"), ending_with(step):
        raise RunError("shards failed")
    with pytest.raises(StoreError, match="not committed"), ending_with(step):
        pass
    assert steps == ["commit", "commit"]
