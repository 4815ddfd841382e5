"""Tests of vecmill_local_runtime.processors."""

import pytest

from vecmill_local_runtime import processors


@pytest.mark.parametrize(
    ("cores", "workers", "tasks", "expected"),
    [
        (2, None, 9, [[0, 1]]),
        (2, 2, 9, [[0], [1]]),
        (2, 5, 9, [[0, 1]] * 5),
        (5, 2, 9, [[0, 1], [2, 3, 4]]),
        (16, None, 9, [list(range(8)), list(range(8, 16))]),
        (16, None, 1, [list(range(16))]),
        (16, 4, 2, [list(range(8)), list(range(8, 16))]),
        (1, None, 0, [[0]]),
    ],
)
def test_processors_are_shared_out_whole(monkeypatch, cores, workers, tasks, expected):
    """Every processor is in one share, neighbours together; with more workers than processors all share all."""
    monkeypatch.setattr(processors, "usable", lambda: list(range(cores)))
    assert processors.shares(workers, tasks) == expected


def test_only_processors_this_process_may_use_count():
    """A container's limit is kept to."""
    import os

    assert set(processors.usable()) == os.sched_getaffinity(0)
