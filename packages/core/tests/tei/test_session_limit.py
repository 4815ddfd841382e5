"""The limit of texts at the router at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from vecmill.tei.session import RateLimit


def test_requests_together_never_exceed_the_ceiling():
    """Twenty threads with requests of 3 texts share a router that takes 10: there are never more than 9."""
    limiter, lock = RateLimit(10), threading.Lock()
    inside, most = 0, 0

    def request(_):
        nonlocal inside, most
        with limiter.acquire(3):
            with lock:
                inside += 3
                most = max(most, inside)
            with lock:
                inside -= 3

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(request, range(400)))
    assert 3 <= most <= 9


def test_a_request_larger_than_everything_goes_alone():
    """It waits for the others to end, and they for it; nothing waits for ever."""
    limiter, order = RateLimit(4), []

    def request():
        with limiter.acquire(100):
            order.append("large")

    with ThreadPoolExecutor(1) as pool:
        with limiter.acquire(3):
            large = pool.submit(request)
            order.append("small")
        large.result(10)
    assert order == ["small", "large"]


def test_refusals_of_one_round_halve_the_capacity_once():
    """Two requests that were sent before the first refusal say one thing, not two."""
    limiter = RateLimit(64)
    with limiter.acquire(32) as first, limiter.acquire(32) as second:
        limiter.record_refusal(first)
        limiter.record_refusal(second)
    assert limiter.capacity == 32
    with limiter.acquire(16) as third, limiter.acquire(16):
        limiter.record_refusal(third)
    assert limiter.capacity == 16


def test_a_refusal_counts_from_what_was_in_use():
    """A router refused 10 texts in all: the ceiling of 1,000 that was believed is of no interest."""
    limiter = RateLimit(1000)
    with limiter.acquire(10) as taken:
        limiter.record_refusal(taken)
    assert limiter.capacity == 5


@given(ceiling=st.integers(1, 600), story=st.lists(st.tuples(st.integers(1, 700), st.booleans()), max_size=60))
def test_capacity_falls_on_refusal_rises_on_answers_and_stays_in_bounds(ceiling, story):
    """Law: refused, it does not rise; answered, it does not fall; it is between 1 and the ceiling."""
    limiter = RateLimit(ceiling)
    for texts, answered in story:
        before = limiter.capacity
        with limiter.acquire(texts) as taken:
            if not answered:
                limiter.record_refusal(taken)
        if answered:
            limiter.record_answer(texts)
        assert 1 <= limiter.capacity <= ceiling
        assert limiter.capacity >= before if answered else limiter.capacity <= before


def test_capacity_comes_back():
    """After a storm, some hundred answers are enough to be where it was before."""
    limiter = RateLimit(512)
    for _ in range(12):
        with limiter.acquire(32) as taken:
            limiter.record_refusal(taken)
    assert limiter.capacity == 1
    for _ in range(200):
        limiter.record_answer(32)
    assert limiter.capacity == 512
