"""Requests are tried again, and given up."""

from __future__ import annotations

import pytest

from vecmill.errors import EngineError
from vecmill.tei.errors import Kind, RetryableError
from vecmill.tei.session import LONGEST_S, RetryPolicy


@pytest.mark.parametrize(
    ("kind", "attempts", "repeats"),
    [
        (Kind.DISCONNECTED, 5, 4),
        (Kind.DISCONNECTED, 1, 0),
        (Kind.FAILED, 5, 2),
        (Kind.FAILED, 2, 1),
        (Kind.DAMAGED, 5, 2),
        (Kind.DAMAGED, 1, 0),
    ],
)
def test_what_breaks_is_repeated_so_often(kind, attempts, repeats):
    """A connection as often as the job says; a model that fails and an answer without sense twice at most."""
    policy = RetryPolicy(attempts, 0)
    for _ in range(repeats):
        policy.next_delay(RetryableError(kind, "x"))
    with pytest.raises(EngineError, match=f"x; tried {repeats + 1} times"):
        policy.next_delay(RetryableError(kind, "x"))


@pytest.mark.parametrize("kind", [Kind.BUSY, Kind.AWAY])
def test_a_busy_or_absent_router_is_waited_for_by_the_clock(kind):
    """However often it is asked, until the time is up."""
    policy = RetryPolicy(1, 3600)
    delays = [policy.next_delay(RetryableError(kind, "x")) for _ in range(50)]
    assert policy.count(kind) == 50
    assert all(0 < delay <= LONGEST_S for delay in delays)
    assert delays[0] < delays[-1]
    with pytest.raises(EngineError, match=r"x; waited 0 s"):
        RetryPolicy(1, 0).next_delay(RetryableError(kind, "x"))
