"""The lines that report progress where there is no terminal."""

import dataclasses
import threading
from typing import Any

from vecmill.cli.progress import format_line, format_status, lines
from vecmill.records import (
    Progress,
    Publishing,
    RunFinished,
    ShardDone,
    ShardFailed,
    ShardFailure,
    ShardProgress,
    ShardRetried,
)

NO_MANIFEST: Any = None
"""Nobody reads it here."""

FOREVER = 3600


def test_a_run_in_a_pipe_tells_its_course_in_a_few_lines(stats, plan, receipt, capsys):
    """What is to be done, and that the end is near; no line for each event."""
    with lines(stats, FOREVER, FOREVER) as show:
        for event in (plan(4, 1), *(ShardDone(receipt(index), 10**8) for index in (1, 2, 3))):
            stats.take(event)
            show(event)
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.splitlines() == [
        "vecmill: 300.0 MB of 400.0 MB of text in 3 of 4 shards left, into /data/out",
        "vecmill: finishing: checking ids, writing the manifest, 0:00",
    ]


def test_a_finished_run_says_that_nothing_is_to_be_done(stats, plan, capsys):
    """No bar at 100%, no speed."""
    with lines(stats, FOREVER, FOREVER) as show:
        stats.take(plan(4, 4))
        show(plan(4, 4))
    assert "nothing left to embed in 4 shards, into /data/out" in capsys.readouterr().err


def test_failures_are_told_when_they_happen(stats, plan, capsys):
    """A retry and a final failure each get a line with shard and reason, harmless to a terminal."""
    with lines(stats, FOREVER, FOREVER) as show:
        show(plan(2, 0))
        show(ShardRetried(0, "killed by signal 9\x1b[2J"))
        show(ShardFailed(ShardFailure(index=1, error="no such file", attempts=3)))
    errors = capsys.readouterr().err
    assert "vecmill: 200.0 MB of text in 2 shards, into /data/out" in errors
    assert "vecmill: shard 0 failed and will be tried again: killed by signal 9\n" in errors
    assert "vecmill: shard 1 failed after 3 attempts: no such file\n" in errors


def test_a_publication_says_how_far_it_is(stats):
    """In bytes, in each line that is due."""
    stats.take(RunFinished(NO_MANIFEST, ""))
    assert format_line(stats.view()).startswith("publishing")
    stats.take(Publishing("https://hub/x", 25 * 10**6, 100 * 10**6))
    assert format_line(stats.view()) == "25.0 MB of 100.0 MB are at https://hub/x, 0:00"


def test_a_shard_that_its_worker_could_not_send_is_told(stats, plan, receipt, capsys):
    """With the reason; the run goes on."""
    unsent = receipt(1).model_copy(update={"unsent": ("publishing to user/name needs a token",)})
    with lines(stats, FOREVER, FOREVER) as show:
        show(ShardDone(receipt(0), 1))
        show(ShardDone(unsent, 1))
    (told,) = [text for text in capsys.readouterr().err.splitlines() if "send" in text]
    assert told.endswith(
        "shard 1 is done, but its worker could not send it, so it is sent at the end: " + unsent.unsent[0]
    )


def test_a_long_silence_is_broken(stats, capsys, monkeypatch):
    """When no event comes, as while a large source is hashed, a line comes all the same."""
    ticks = threading.Semaphore(0)
    view = stats.view

    def counting():
        ticks.release()
        return view()

    monkeypatch.setattr(stats, "view", counting)
    with lines(stats, 0.001, 0.001):
        for _ in range(6):
            assert ticks.acquire(timeout=30)
    assert capsys.readouterr().err.count("preparing") >= 3


def test_the_status_names_share_counts_speeds_and_times(stats, plan, clock):
    """All that a log's reader asks, in one line."""
    stats.take(plan(12, 3))
    for second in range(11):
        stats.take(ShardProgress(Progress(3, second, 10 * second, 500 * second, 10_000_000 * second)))
        clock.now += 1
    expected = "33%, 3/12 shards, 10 documents, 9.1 chunks/s, 455 tokens/s, 0:11 elapsed, 1:28 left"
    assert format_status(stats.view()) == expected
    assert format_status(dataclasses.replace(stats.view(), left=None, speed=None)).endswith("- tokens/s, 0:11 elapsed")
