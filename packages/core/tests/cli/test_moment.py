"""Tests of vecmill.cli.signals."""

import subprocess
import sys

import pytest

from vecmill.cli.signals import fits

# In a process of its own: an alarm that came late would end the one that runs the tests.
SCRIPT = """
import signal, threading
from vecmill.cli.signals import fits

def waits(condition):  # as threading.Event, queue.Queue and Thread.start do, with a lock made of Python code
    while True:
        with condition:
            pass

def tries(lock):  # by hand
    while True:
        lock.acquire()
        try:
            lock.locked()
        finally:
            lock.release()

def enters(lock):  # as everybody does
    while True:
        with lock:
            pass

def interrupt(number, frame):
    if fits(frame) and frame.f_code is not interrupt.__code__:
        raise KeyboardInterrupt
    global later
    later += 1
    signal.setitimer(signal.ITIMER_REAL, 0.0002)

signal.signal(signal.SIGALRM, interrupt)
caught = later = 0
for turn in range(200):
    lock = threading.Lock()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0002 + turn % 20 / 500_000)
        {work}
    except KeyboardInterrupt:
        caught += 1
    assert not lock.locked(), turn
assert later < 200 * 50, later
print(caught)
"""


@pytest.mark.parametrize("work", ["enters(lock)", "tries(lock)", "waits(threading.Condition(lock))"])
def test_an_interrupt_leaves_no_lock_taken(work):
    """Raised at any moment that fits, hundreds of times over."""
    script = SCRIPT.format(work=work)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "200\n"), done.stderr


def test_other_moments_fit():
    """Most code is not about to enter anything."""
    assert fits(sys._getframe())
    assert fits(None)
