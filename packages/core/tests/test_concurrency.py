"""Tests of vecmill.concurrency."""

import queue
import subprocess
import sys
import threading
import time
import weakref
from functools import partial

import pytest

from vecmill import concurrency
from vecmill.concurrency import Threads, check_interrupt, get_item, request_interrupt, sleep, start_thread


def test_every_call_is_answered_in_its_own_place():
    """However many threads there are, an answer belongs to the call that it was given for."""
    with Threads(4) as threads:
        answers = [threads.submit(partial(pow, n, 2)) for n in range(1_000)]
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
    assert "the thread 'reader' failed, and the process cannot go on without it: ValueError: broken \xe4" in told
    assert "secret" not in told.rpartition("vecmill:")[2]


def test_a_helper_may_tell_of_its_failure():
    """Who depends on it hears of it, and the process goes on."""
    heard = queue.SimpleQueue()
    start_thread("reader", lambda: divmod(1, 0) and None, heard.put).join()
    assert isinstance(heard.get(timeout=10), ZeroDivisionError)


SAFE_POINTS = """
import signal, threading
from vecmill import concurrency
from vecmill.concurrency import check_interrupt, request_interrupt

def waits(condition):  # as threading.Event, queue.Queue and Thread.start do, with a lock made of Python code
    while True:
        with condition:
            pass
        check_interrupt()

def tries(lock):  # by hand
    while True:
        lock.acquire()
        try:
            lock.locked()
        finally:
            lock.release()
        check_interrupt()

def enters(lock):  # as everybody does
    while True:
        with lock:
            pass
        check_interrupt()

signal.signal(signal.SIGALRM, lambda number, frame: request_interrupt())
caught = 0
for turn in range(200):
    lock = threading.Lock()
    concurrency._requested = False
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0002 + turn % 20 / 500_000)
        {work}
    except KeyboardInterrupt:
        caught += 1
    assert not lock.locked(), turn
print(caught)
"""


@pytest.mark.parametrize("work", ["enters(lock)", "tries(lock)", "waits(threading.Condition(lock))"])
def test_an_interrupt_leaves_no_lock_taken(work):
    """Asked for at any moment, hundreds of times over, it is raised at the next safe point."""
    script = SAFE_POINTS.format(work=work)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "200\n"), done.stderr


@pytest.fixture
def interrupted(monkeypatch):
    """Ask for an interrupt, which is forgotten after the test."""
    monkeypatch.setattr(concurrency, "_requested", False)
    monkeypatch.setattr(concurrency, "_raised", set())
    return request_interrupt


@pytest.mark.parametrize("wait", [partial(get_item, queue.SimpleQueue()), partial(sleep, 600)], ids=["item", "sleep"])
def test_an_interrupt_ends_a_wait(interrupted, wait):
    """Whoever waits is woken, by whatever thread the interrupt is asked for."""
    threading.Timer(0.1, interrupted).start()
    with pytest.raises(KeyboardInterrupt):
        wait()


def test_a_wait_after_an_interrupt_does_not_begin(interrupted):
    """The flag is asked before the wait, so no moment between the two is lost."""
    interrupted()
    with pytest.raises(KeyboardInterrupt):
        sleep(600)


def test_a_wait_that_was_woken_while_something_tidies_up_goes_on(interrupted):
    """On the way out items still come, and nothing else is taken for one."""
    items, taken = queue.SimpleQueue(), []

    def work():
        try:
            check_interrupt()
        finally:
            threading.Timer(0.05, interrupted).start()
            threading.Timer(0.1, items.put, ["last"]).start()
            taken.append(get_item(items))

    interrupted()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert taken == ["last"]


def test_an_interrupt_that_is_swallowed_comes_again(interrupted):
    """The next safe point raises it, but not while what tidies up is at work."""
    tidied = []

    def work():
        try:
            check_interrupt()
        finally:
            check_interrupt()
            tidied.append(True)

    interrupted()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert tidied
    with pytest.raises(KeyboardInterrupt):
        check_interrupt()


def test_calls_in_threads_are_interrupted_too(interrupted):
    """What has begun stops at its next safe point, and the block is left."""

    def work():
        while True:
            check_interrupt()
            time.sleep(0.001)

    threading.Timer(0.1, interrupted).start()
    with pytest.raises(KeyboardInterrupt), Threads(2) as threads:
        threads.submit(work).wait()


def test_a_wait_with_a_time_ends_in_time():
    """No item is no item."""
    with pytest.raises(queue.Empty):
        get_item(queue.SimpleQueue(), 0.01)
