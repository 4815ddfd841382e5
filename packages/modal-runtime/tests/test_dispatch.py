"""Dispatch: every shard has one outcome, whatever Modal does, and few are with Modal at once."""

import itertools
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vecmill.errors import EmbedError, EngineError, SourceError, StoreError, UnfitEngineError
from vecmill.records import Receipt, ShardFailure, ShardRetried, ShardStarted, Spent
from vecmill_modal_runtime import dispatch
from vecmill_modal_runtime.budget import Budget
from vecmill_modal_runtime.dispatch import Dispatch, Outcome, failure
from vecmill_modal_runtime.options import ModalOptions

PLENTY = Budget(ModalOptions())


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Look more often than one would in earnest."""
    monkeypatch.setattr(dispatch, "POLL_SECONDS", 0.001)


def done(receipt):
    """Return an answer that always succeeds."""
    return lambda task: Outcome(index=task.index, receipt=receipt(task.index)).model_dump_json()


def test_few_shards_are_in_flight_at_once(tasks, receipt, cloud):
    """Of 100 shards no more than containers and window together ever wait."""
    options = ModalOptions(max_containers=3, window=4)
    run = cloud(done(receipt))
    outcomes = list(Dispatch(tasks(100), options, PLENTY, lambda _: None).outcomes(run))
    assert sorted(outcome.index for outcome in outcomes) == list(range(100))
    assert run.most <= options.in_flight == 7


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.dictionaries(st.integers(0, 11), st.lists(st.sampled_from("eflc"), max_size=4), max_size=8))
def test_every_shard_has_one_outcome(faults, tasks, receipt, cloud):
    """Whatever errors come in whatever order: a receipt or a failure for each, never both, never none."""
    left = {index: list(kinds) for index, kinds in faults.items()}

    def answer(task):
        kind = left[task.index].pop(0) if left.get(task.index) else ""
        if kind in {"l", "c"}:
            return TimeoutError("lost") if kind == "l" else RuntimeError("container")
        if kind:
            return Outcome(index=task.index, error=kind, final=kind == "f").model_dump_json()
        return Outcome(index=task.index, receipt=receipt(task.index)).model_dump_json()

    told = []
    options = ModalOptions(max_containers=2, window=2, attempts=3)
    outcomes = list(Dispatch(tasks(12), options, PLENTY, told.append).outcomes(cloud(answer)))
    assert sorted(outcome.index for outcome in outcomes) == list(range(12))
    for outcome in outcomes:
        if isinstance(outcome, ShardFailure):
            assert outcome.attempts >= 3 or outcome.error == "f"
    retried = Counter(event.shard for event in told if isinstance(event, ShardRetried))
    assert all(count <= 2 for count in retried.values())


@pytest.mark.parametrize(("others", "attempts"), [(0, 1), (3, 3)])
def test_an_engine_that_refuses_everything_is_tried_again_if_another_container_has_done_a_shard(
    tasks, receipt, cloud, others, attempts
):
    """Each container has a router of its own; where no shard is done, nothing is gained by another attempt."""

    def answer(task):
        if task.index < others:
            return Outcome(index=task.index, receipt=receipt(task.index)).model_dump_json()
        return Outcome(index=task.index, error="all refused", final=True, engine=True).model_dump_json()

    options = ModalOptions(max_containers=1, window=1, attempts=3)
    outcomes = list(Dispatch(tasks(others + 1), options, PLENTY, lambda _: None).outcomes(cloud(answer)))
    (failed,) = [outcome for outcome in outcomes if isinstance(outcome, ShardFailure)]
    assert (failed.engine, failed.attempts) == (True, attempts)


@pytest.mark.fault(
    "modal",
    "a container's attempt fails",
    promise="The shard is tried again.",
)
def test_a_failed_attempt_is_made_good(tasks, receipt, cloud):
    """Two bad attempts, then a receipt."""
    tries = Counter()

    def answer(task):
        tries[task.index] += 1
        if task.index == 1 and tries[1] < 3:
            return Outcome(index=1, error="bad luck").model_dump_json()
        return Outcome(index=task.index, receipt=receipt(task.index)).model_dump_json()

    told = []
    outcomes = list(Dispatch(tasks(3), ModalOptions(), PLENTY, told.append).outcomes(cloud(answer)))
    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert tries == {0: 1, 1: 3, 2: 1}
    assert [event.attempt for event in told if isinstance(event, ShardStarted) and event.shard == 1] == [1, 2, 3]


@pytest.mark.fault(
    "modal",
    "a container times out and Modal does not say over which shard",
    promise="Modal has tried it `attempts` times; then vecmill finds the shard and names it.",
)
def test_what_modal_raises_is_laid_at_the_right_shards_door(tasks, receipt, cloud):
    """A timeout comes back without a name; the shard that never answers is the one that failed."""

    def answer(task):
        if task.index == 2:
            return TimeoutError("hit its timeout of 5s of https://user:password@host/")
        return Outcome(index=task.index, receipt=receipt(task.index)).model_dump_json()

    outcomes = list(Dispatch(tasks(6), ModalOptions(), PLENTY, lambda _: None).outcomes(cloud(answer)))
    (failure,) = (outcome for outcome in outcomes if isinstance(outcome, ShardFailure))
    assert (failure.index, failure.attempts) == (2, 3)
    assert "hit its timeout of 5s of https://***@host/" in failure.error


@pytest.mark.fault(
    "modal",
    "max_cost_usd is reached",
    promise="Started shards are finished, the rest is named; the cost stays below the ceiling.",
)
def test_the_cost_ceiling_ends_the_run(tasks, receipt, cloud):
    """What was begun is finished, the rest is named with what to do, and the ceiling is kept."""
    now = [0.0]
    options = ModalOptions(max_containers=2, window=5, max_cost_usd=1.0, scaledown_window=2)
    seconds = 0.1 / options.price  # a shard costs ten cents
    budget = Budget(options, clock=lambda: now[0])

    def answer(task):
        now[0] += seconds / 2  # two containers are at work
        done = receipt(task.index).model_copy(update={"seconds": seconds})
        return Outcome(index=task.index, receipt=done).model_dump_json()

    outcomes = list(Dispatch(tasks(50), options, budget, lambda _: None).outcomes(cloud(answer)))
    refused = [outcome for outcome in outcomes if isinstance(outcome, ShardFailure)]
    assert sorted(outcome.index for outcome in outcomes) == list(range(50))
    assert 40 <= len(refused) < 45
    assert budget.spent <= 1.0
    assert all("runtime.max_cost_usd is 1.0. Raise it" in outcome.error for outcome in refused)


@pytest.mark.fault(
    "modal",
    "the driver is killed while no shard comes back",
    promise="The next command counts the cost until a few seconds before.",
)
def test_what_it_costs_is_reported_while_nothing_comes_back(tasks, receipt, cloud, monkeypatch):
    """An hour's shard costs an hour's money, and the driver may not live to hear of it."""
    monkeypatch.setattr(dispatch, "COUNT_SECONDS", 0)
    seconds = itertools.count()
    budget = Budget(ModalOptions(), clock=lambda: float(next(seconds)))
    told, until_then = [], []

    def answer(task):
        until_then.extend(event for event in told if isinstance(event, Spent))
        return Outcome(index=task.index, receipt=receipt(task.index)).model_dump_json()

    list(Dispatch(tasks(1), ModalOptions(), budget, told.append).outcomes(cloud(answer)))
    first, *others = (event.cost.container_seconds for event in until_then)
    assert others
    assert max(others) > first


@pytest.mark.fault(
    "modal",
    "no container can load the model, or start its router",
    promise="After five of them no more are started, and each shard's error says why.",
)
def test_containers_that_cannot_start_are_not_tried_for_every_shard(tasks, cloud):
    """A shard costs a start each; one that is done meanwhile shows that starting is possible."""
    starts = []

    def answer(task):
        starts.append(task.index)
        return Outcome(index=task.index, error="no router", unusable=f"ta-{len(starts)}").model_dump_json()

    options = ModalOptions(max_containers=2, window=1)
    outcomes = list(Dispatch(tasks(100), options, PLENTY, lambda _: None).outcomes(cloud(answer)))
    assert sorted(outcome.index for outcome in outcomes) == list(range(100))
    assert len(starts) < dispatch.FAILED_STARTS + options.in_flight
    assert all("no router" in outcome.error for outcome in outcomes)
    assert outcomes[-1].error.startswith("not begun: ")


def test_starts_that_fail_alike_are_reported_with_one_log(tasks, receipt, cloud):
    """Ten containers that lack the same thing do not print what their routers said ten times."""
    left, told = ["ta-1", "ta-2", "ta-3"], []

    def answer(task):
        if left:
            error = "EngineError: the router ended with code 1:\n    its log"
            return Outcome(index=task.index, error=error, unusable=left.pop(0)).model_dump_json()
        return Outcome(index=task.index, receipt=receipt(task.index)).model_dump_json()

    list(Dispatch(tasks(4), ModalOptions(max_containers=2, attempts=5), PLENTY, told.append).outcomes(cloud(answer)))
    errors = [event.error for event in told if isinstance(event, ShardRetried)]
    assert errors[0].endswith("\n    its log")
    assert errors[1:] == ["EngineError: the router ended with code 1: (as before)"] * 2


def test_one_container_that_cannot_start_counts_once(tasks, receipt, cloud):
    """However many shards it had in hand; others do them."""
    bad = set(range(8))

    def answer(task):
        if task.index in bad:
            bad.discard(task.index)
            return Outcome(index=task.index, error="no router", unusable="ta-1").model_dump_json()
        return Outcome(index=task.index, receipt=receipt(task.index)).model_dump_json()

    options = ModalOptions(max_containers=2, concurrency=4, window=4)
    outcomes = list(Dispatch(tasks(20), options, PLENTY, lambda _: None).outcomes(cloud(answer)))
    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert len(outcomes) == 20


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


def test_a_volume_that_takes_nothing_may_do_so_the_next_time():
    """Unlike a folder of one's own machine; what else is final is so here, too."""
    assert not failure(3, StoreError("the Volume takes nothing")).final
    assert failure(3, StoreError("the Volume takes nothing")).error == "StoreError: the Volume takes nothing"
    assert failure(3, SourceError("the file is damaged")).final


def test_the_secrets_of_a_container_stay_there(monkeypatch):
    """The driver does not know them, so it could not hide them."""
    monkeypatch.setenv("HF_TOKEN", "hf_OfTheContainer")
    assert failure(0, EngineError("401 for hf_OfTheContainer")).error == "EngineError: 401 for ***"
