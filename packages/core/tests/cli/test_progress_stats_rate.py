"""The rate of a run, and the time that is left."""

import pytest

from vecmill.cli.progress_stats import ENOUGH_SECONDS, WINDOW_SECONDS, Counts, Rate


def counts(n):
    """Count the same for all."""
    return Counts(n, n, 10 * n, 1000 * n)


def test_a_steady_speed_is_told_exactly():
    """100 chunks a second are 100 chunks a second, whenever one looks."""
    rate = Rate()
    for tenths in range(1000):
        rate.add(tenths / 10, counts(10 * tenths))
    speed = rate.speed(100, counts(10_000))
    assert speed.chunks == pytest.approx(100)
    assert speed.tokens == pytest.approx(1000)
    assert speed.bytes == pytest.approx(100_000)


def test_it_is_too_early_to_say_at_first():
    """No speed is made up from the first moments, nor from nothing."""
    rate = Rate()
    assert rate.speed(10, counts(5)) is None
    rate.add(0, counts(0))
    assert rate.speed(ENOUGH_SECONDS / 2, counts(5)) is None


def test_only_the_recent_past_counts():
    """A slow beginning is forgotten after the window."""
    rate = Rate()
    rate.add(0, counts(0))
    for second in range(1000, 1100):
        rate.add(second, counts((second - 1000) * 7))
    assert rate.speed(1099, counts(99 * 7)).chunks == pytest.approx(7)


def test_a_stall_shows():
    """When nothing comes any more, the speed falls as time goes on."""
    rate = Rate()
    for second in range(11):
        rate.add(second, counts(10 * second))
    assert rate.speed(20, counts(100)).chunks == pytest.approx(5)
    assert rate.speed(20 + 10 * WINDOW_SECONDS, counts(100)).chunks < 0.5


def test_reports_that_are_far_apart_still_give_a_speed():
    """A runtime may report once in five minutes."""
    rate = Rate()
    for minutes in (0, 5, 10):
        rate.add(60 * minutes, counts(6000 * minutes))
    assert rate.speed(600, counts(60_000)).chunks == pytest.approx(100)
