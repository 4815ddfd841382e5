"""Tests of vecmill.concurrency."""

import queue
import subprocess
import sys
import threading
import time
import weakref
from functools import partial

import pytest

from vecmill.concurrency import Threads, start_thread


def test_every_call_is_answered_in_its_own_place():
    """However many threads there are, an answer belongs to the call that it was given for."""
    with Threads(4) as threads:
        answers = [threads.submit(lambda n=n: n * n) for n in range(1_000)]
        assert [answer.wait() for answer in answers] == [n * n for n in range(1_000)]


def test_no_more_threads_than_asked_for_and_than_needed():
    """Two calls never need a third thread, and a thousand never get one."""
    names = set()

    def call():
        names.add(threading.get_ident())
        time.sleep(0.001)

    for calls, most in ((1, 1), (100, 2)):
        names.clear()
        with Threads(2) as threads:
            for answer in [threads.submit(call) for _ in range(calls)]:
                answer.wait()
        assert 1 <= len(names) <= most


def test_a_map_keeps_the_order_of_the_items():
    """Answers come in the order of the items, not in the order in which they are ready."""
    with Threads(4) as threads:
        slow_first = threads.map(lambda n: time.sleep(0.02 / (n + 1)) or n, range(8))
        assert list(slow_first) == list(range(8))


def test_what_a_call_raises_is_raised_where_it_is_awaited():
    """A failing call fails its own answer, and the thread goes on to the next."""
    with Threads(1) as threads:
        bad, good = threads.submit(lambda: 1 // 0), threads.submit(lambda: 1)
        with pytest.raises(ZeroDivisionError):
            bad.wait()
        assert good.wait() == 1


def test_what_a_call_was_given_is_let_go_when_it_returns():
    """Neither the answer nor the thread that waits keeps a window of vectors in memory."""

    class Window:
        pass

    window = Window()
    watched = weakref.ref(window)
    with Threads(1) as threads:
        answer = threads.submit(partial(id, window))
        del window
        answer.wait()
        threads.submit(lambda: None).wait()  # the thread is past the first call
        assert watched() is None


def test_leaving_waits_for_calls_that_have_begun_and_drops_the_others():
    """After the block nothing of its work is running, and nothing begins."""
    begun, done = threading.Event(), []

    def first():
        begun.set()
        while not threads._closed:
            time.sleep(0.001)
        time.sleep(0.05)
        done.append(1)

    with Threads(1) as threads:
        threads.submit(first)
        threads.submit(lambda: done.append(2))
        begun.wait()
    assert done == [1]
    time.sleep(0.05)
    assert done == [1]


def test_a_signal_at_any_moment_leaves_no_lock_behind():
    """A caller that is interrupted somewhere, hundreds of times over, always gets out, and its threads end."""
    script = """
import _thread, itertools, signal, sys, time
from vecmill.concurrency import Threads

def interrupt(number, frame):
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, interrupt)
caught = 0
for turn in range(500):
    try:
        with Threads(2) as threads:
            signal.setitimer(signal.ITIMER_REAL, 0.0001 + turn % 50 / 50_000)
            for _ in itertools.repeat(None):
                threads.submit(lambda: None).wait()
    except KeyboardInterrupt:
        caught += 1
while _thread._count():
    time.sleep(0.01)
print(caught)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout == "500\n"


HELPER = """
import sys, time
from vecmill.concurrency import start_thread

def work():
    raise ValueError("broken \\xe4 at " + "https://user:secret" + "@host")

start_thread("reader", work)
time.sleep(600)
"""


def test_a_helper_that_fails_ends_its_process_with_the_error():
    """The main thread may wait for what will never come; no secret is told."""
    done = subprocess.run(
        [sys.executable, "-c", HELPER], check=False, capture_output=True, timeout=60, env={"PYTHONIOENCODING": "ascii"}
    )
    told = done.stderr.decode()
    assert done.returncode == 1
    assert "the thread 'reader' failed, and nothing can go on without it: ValueError: broken \xe4" in told
    assert "secret" not in told.rpartition("vecmill:")[2]


def test_a_helper_may_tell_of_its_failure():
    """Who depends on it hears of it, and the process goes on."""
    heard = queue.SimpleQueue()
    start_thread("reader", lambda: 1 // 0, heard.put).join()
    assert isinstance(heard.get(timeout=10), ZeroDivisionError)
