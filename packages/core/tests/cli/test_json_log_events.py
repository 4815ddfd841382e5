"""Every event of a run has its line in the log."""

import re
from pathlib import Path

import pytest

from vecmill.cli import json_log, messages
from vecmill.cli.commands import publish, run
from vecmill.cli.json_log import INTERVAL_SECONDS, LogEvents
from vecmill.records import (
    Progress,
    Publishing,
    ShardDone,
    ShardFailed,
    ShardFailure,
    ShardProgress,
    ShardRetried,
    ShardStarted,
    WorkerLogged,
)


@pytest.fixture
def log_event(clock):
    """Return the log's lines of an event."""
    events = LogEvents(clock)
    return lambda event: list(events.lines(event))


def test_a_shard_carries_the_attempt_and_the_worker_that_is_at_it(log_event, receipt):
    """Whatever happens to it, so that one line is enough to find the others."""
    log_event(ShardStarted(3, 1, 4711))
    assert log_event(ShardRetried(3, "out of order")) == [
        ("shard.retried", "warning", {"shard": 3, "attempt": 1, "worker": 4711, "error": "out of order"})
    ]
    log_event(ShardStarted(3, 2, 4712))
    ((name, level, fields),) = log_event(ShardDone(receipt(3), 100))
    assert (name, level) == ("shard.done", "info")
    assert {"shard": 3, "attempt": 2, "worker": 4712, "seconds": 4.0, "chunks": 100}.items() <= fields.items()
    assert log_event(ShardFailed(ShardFailure(index=5, error="gone", attempts=3))) == [
        ("shard.failed", "error", {"shard": 5, "attempts": 3, "error": "gone"})
    ]


def test_progress_is_logged_now_and_then(log_event, clock):
    """A line for each shard and each interval, however often workers report; the end of a delivery always."""
    progress = [ShardProgress(Progress(shard, 1, 2, 3, 4)) for shard in (0, 1)]
    assert [len(log_event(event)) for event in (*progress, *progress)] == [1, 1, 0, 0]
    clock.now += INTERVAL_SECONDS
    assert [len(log_event(event)) for event in progress] == [1, 1]
    assert [len(log_event(Publishing("there", done, 9))) for done in (0, 1, 9)] == [1, 0, 1]


def test_a_workers_own_line_is_logged_with_what_it_works_on(log_event):
    """As it was written."""
    assert log_event(WorkerLogged(4711, None, "loading")) == [
        ("worker.said", "info", {"worker": 4711, "shard": None, "text": "loading"})
    ]


def test_the_documents_list_every_event():
    """What is written under a name is described under it, and nothing else is."""
    modules = (json_log, messages, publish, run)
    source = "".join(Path(str(module.__file__)).read_text(encoding="utf-8") for module in modules)
    written = set(re.findall(r"(?:yield |return |write\()\"([a-z]+\.[a-z]+)\"", source))
    table = (Path(__file__).parents[4] / "docs" / "operations.md").read_text()
    assert written == set(re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", table, re.MULTILINE))
