"""Tests of vecmill.cli.moment."""

import contextlib
import signal
import sys
import threading

import pytest

from vecmill.cli.moment import fits


def waits(condition):
    """Take a lock as ``threading.Event``, ``queue.Queue`` and ``Thread.start`` do, with one made of Python code."""
    while True:
        with condition:
            pass


def tries(lock):
    """Take a lock by hand."""
    while True:
        lock.acquire()
        try:
            lock.locked()
        finally:
            lock.release()


def enters(lock):
    """Take a lock as everybody does."""
    while True:
        with lock:
            pass


@pytest.mark.parametrize("work", [enters, tries, lambda lock: waits(threading.Condition(lock))])
def test_an_interrupt_leaves_no_lock_taken(work):
    """Raised at any moment that fits, hundreds of times over."""
    later = []

    def interrupt(number, frame):
        if fits(frame) and frame.f_code is not interrupt.__code__:
            raise KeyboardInterrupt
        later.append(frame.f_lasti)
        signal.setitimer(signal.ITIMER_REAL, 0.0002)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for turn in range(200):
            lock = threading.Lock()
            with contextlib.suppress(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, 0.0002 + turn % 20 / 500_000)
                work(lock)
            assert not lock.locked()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(later) < 200 * 50


def test_other_moments_fit():
    """Most code is not about to enter anything."""
    assert fits(sys._getframe())
    assert fits(None)
