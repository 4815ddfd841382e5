"""Budget: time at work and time in waiting, at one price, over all commands; and no shard above the ceiling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.records import Cost
from vecmill_modal_runtime.budget import Budget
from vecmill_modal_runtime.options import ModalOptions


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        """Return the time."""
        return self.now


def test_containers_count_at_work_and_while_they_wait():
    """Four containers for three seconds; then one goes on, and three wait for their ten seconds."""
    clock, options = Clock(), ModalOptions(scaledown_window=10)
    budget = Budget(options, clock=clock)
    budget.busy(4)
    clock.now = 3
    budget.busy(1)
    assert budget.cost.container_seconds == 12
    clock.now = 23
    assert budget.cost.container_seconds == 12 + 20 + 3 * 10
    budget.close()
    assert budget.cost.container_seconds == 12 + 20 + 3 * 10 + 10
    assert budget.cost.estimate == pytest.approx(72 * options.price, abs=1e-6)
    assert budget.cost.gpu == "A10G"


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 100)), max_size=20))
def test_the_estimate_is_from_above(steps):
    """It is never less than the time at work, nor more than with every container waiting its full time."""
    clock, options = Clock(), ModalOptions(scaledown_window=10)
    budget = Budget(options, clock=clock)
    worked, before, released = 0.0, 0, 0
    for containers, seconds in steps:
        budget.busy(containers)
        released += max(0, before - containers)
        worked += containers * seconds
        before = containers
        clock.now += seconds
    budget.close()
    released += before
    assert worked - 0.01 <= budget.cost.container_seconds <= worked + released * 10 + 0.01


def test_earlier_commands_count():
    """What was spent before is in the estimate, and against the ceiling."""
    earlier = Cost(estimate=4.0, container_seconds=100, price_per_second=0.04)
    budget = Budget(ModalOptions(max_cost_usd=5), earlier)
    assert (budget.spent, budget.cost.container_seconds) == (4.0, 100)
    assert budget.affords(0)
    assert not Budget(ModalOptions(max_cost_usd=4), earlier).affords(0)


def test_before_a_shard_is_done_no_more_begin_than_run_at_once():
    """Nobody knows yet what one costs; afterwards those that fly are counted."""
    options = ModalOptions(max_containers=3, max_cost_usd=10)
    budget = Budget(options, clock=Clock())
    assert [budget.affords(flying) for flying in (0, 2, 3)] == [True, True, False]
    budget.add_duration(2 / options.price)
    assert [budget.affords(flying) for flying in (0, 3, 5)] == [True, True, False]
    assert "one shard about $2.00" in budget.refusal


def test_the_time_for_which_containers_wait_afterwards_is_within_the_ceiling():
    """An hour in each of ten containers costs more than the shards: as many are begun as can be paid for to the end."""
    options = ModalOptions(max_containers=10, scaledown_window=3600, concurrency=2, max_cost_usd=5)
    clock = Clock()
    budget, hour = Budget(options, shard=0.01, clock=clock), 3600 * options.price
    assert 3 * hour < 5 < 4 * hour
    flying = next(count for count in range(20) if not budget.affords(count))
    assert flying == 6
    budget.busy(3)
    clock.now = 60
    budget.add_duration(60)
    budget.busy(0)
    assert budget.affords(0), "one that waits takes it"
    assert not budget.affords(6)
    budget.close()
    assert budget.spent < 5
    assert f"the 3600 s for which a container waits afterwards (runtime.scaledown_window) ${hour:.2f}" in budget.refusal


def test_without_a_ceiling_everything_is_afforded():
    """The default."""
    assert Budget(ModalOptions()).affords(10_000)
