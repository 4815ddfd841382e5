"""Runtime: a run that ends early leaves nothing behind that is paid for."""

from types import SimpleNamespace
from typing import Any

import modal
import pytest

from vecmill.records import Spent
from vecmill_modal_runtime import app, volume
from vecmill_modal_runtime.dispatch import Outcome
from vecmill_modal_runtime.options import ModalOptions
from vecmill_modal_runtime.runtime import ModalRuntime


@pytest.fixture
def cancelled(monkeypatch, cloud):
    """What was cancelled, in an app whose shards all fail."""
    found = []

    def answer(task):
        return Outcome(index=task.index, error="no", final=True, call="fc-1").model_dump_json()

    def find(call):
        return SimpleNamespace(cancel=lambda: found.append(call))

    mapped = SimpleNamespace(map=lambda feed, **_: cloud(answer)(feed))
    monkeypatch.setattr(app, "find_worker", lambda options: lambda **_: SimpleNamespace(do=mapped))
    monkeypatch.setattr(volume, "commit", lambda: None)
    monkeypatch.setattr(volume, "reload", lambda: None)
    monkeypatch.setattr(modal.FunctionCall, "from_id", find)
    return found


@pytest.mark.fault(
    "modal",
    "a run gives up while shards wait with Modal",
    promise="They are cancelled, and cost nothing.",
)
def test_what_waits_with_modal_is_taken_back_by_a_run_that_gives_up(tasks, cancelled):
    """Ten shards failed one after another: those behind them are not done for nobody."""
    outcomes: Any = ModalRuntime(ModalOptions(max_cost_usd="none")).map(tasks(40), lambda _: None)
    assert next(outcomes).error == "no"
    assert cancelled == []
    outcomes.close()
    assert cancelled == ["fc-1"]


def test_a_run_that_gives_up_reports_what_it_cost_to_the_end(tasks, cancelled):
    """Containers cost while they wait; then there are none."""
    events: list[Any] = []
    outcomes: Any = ModalRuntime(ModalOptions(max_cost_usd="none")).map(tasks(40), events.append)
    next(outcomes)
    outcomes.close()
    assert cancelled == ["fc-1"]
    assert isinstance(events[-1], Spent)
    assert events[-1].machines == 0


def test_a_run_that_ends_has_nothing_to_take_back(tasks, cancelled):
    """Every shard has come back."""
    assert len(list(ModalRuntime(ModalOptions(max_cost_usd="none")).map(tasks(40), lambda _: None))) == 40
    assert cancelled == []


def test_that_nothing_can_be_taken_back_is_no_error_of_the_run(tasks, cancelled, monkeypatch, caplog):
    """Why it ended is what the user is told."""

    def refuse(call):
        raise modal.exception.NotFoundError(call)

    monkeypatch.setattr(modal.FunctionCall, "from_id", refuse)
    outcomes: Any = ModalRuntime(ModalOptions(max_cost_usd="none")).map(tasks(40), lambda _: None)
    next(outcomes)
    outcomes.close()
    assert "could not be taken back: fc-1" in caplog.text
