"""Progress: a line now and then says how a run stands, however many shards it has."""

import threading

import pytest

from vecmill.records import (
    Account,
    Cost,
    FileEntry,
    Receipt,
    RunStarted,
    ShardDone,
    ShardFailed,
    ShardFailure,
    ShardRetried,
    Spent,
)
from vecmill_modal_runtime.progress import TROUBLES, Progress, report_progress

ACCOUNT = Account(documents_in=10, documents_embedded=10, chunks=100, characters=40_000, tokens=9_000)


def started(shards=10_000, done=0):
    """Return the first event of a run."""
    return RunStarted("r", "/d", shards, done, bytes=shards * 1000, done_bytes=done * 1000, documents=None)


def finished(index, seconds=10.0):
    """Return the event of a shard."""
    shard = FileEntry(path="p", rows=100, bytes=1, sha256="")
    return ShardDone(Receipt(run_id="r", index=index, shard=shard, account=ACCOUNT, seconds=seconds), 1000)


def test_a_line_says_how_the_run_stands():
    """Shards, documents, chunks and characters with their rates, containers, money, time to go."""
    now = [0.0]
    progress = Progress(clock=lambda: now[0])
    assert progress.line == ""
    assert progress.take(started(shards=100, done=20)) == "100 shards, 20 done before"
    assert progress.line.endswith("waiting for the first shard")
    cost = Cost(estimate=1.5, gpu="A10G", container_seconds=4000, price_per_second=0.000375)
    now[0] = 30.0
    progress.take(Spent(cost, 10))
    for index in range(20):
        progress.take(finished(index))
    now[0] = 40.0
    assert progress.line == (
        "40/100 shards, 200 documents, 2,000 chunks, 100 chunks/s, 40,000 characters/s, 10 containers, "
        "about 1.54 USD, 0:01:00 left"
    )


@pytest.mark.parametrize("done", [3, 2])
def test_what_is_done_waits_for_nothing(done):
    """A finished edition is complete from the start; a run is as soon as its last shard is there."""
    progress = Progress()
    progress.take(started(shards=3, done=done))
    if done == 2:
        assert progress.line.endswith("waiting for the first shard")
        progress.take(finished(2))
    assert progress.line.startswith("3/3 shards")
    assert progress.line.endswith(", complete")


def test_numbers_say_the_same_as_the_line():
    """As soon as the run has begun, and at its end; with the last thing that went wrong, though it was made good."""
    noted = []
    with report_progress(lambda _: None, interval=3600, note=noted.append) as tell:
        tell(started(shards=4, done=1))
        assert [(each["state"], each["percent"], each["seconds_left"]) for each in noted] == [("running", 25.0, None)]
        tell(Spent(Cost(estimate=1.5, container_seconds=4000, price_per_second=0.0), 2))
        tell(ShardRetried(1, "bad luck"))
        tell(finished(1))
    last = noted[-1]
    assert (last["shards"], last["shards_done"], last["percent"], last["documents"]) == (4, 2, 50.0, 10)
    assert (last["cost_usd"], last["containers"], last["error"]) == (1.5, 2, "shard 1 is tried again: bad luck")
    assert last["seconds_left"] > 0


def test_ten_thousand_shards_are_no_ten_thousand_lines():
    """Shards that are done make no line of their own, and failed attempts are counted after the first few."""
    said = []
    with report_progress(said.append, interval=3600) as tell:
        tell(started())
        for index in range(10_000):
            tell(finished(index))
            tell(ShardRetried(index, "bad luck"))
        tell(ShardFailed(ShardFailure(index=3, error="worse luck")))
    assert len(said) == 2 + TROUBLES
    assert said[1] == "shard 0 is tried again: bad luck"
    assert "10,000/10,000 shards, 100,000 documents, 1,000,000 chunks" in said[-1]
    assert "10,001 failed attempts" in said[-1]


def test_a_shard_that_its_worker_could_not_send_is_told_of():
    """The driver sends it then, which is slower; somebody should know why."""
    event = finished(7)
    unsent = event.receipt.model_copy(update={"unsent": ("the token may not write",)})
    said = Progress().take(ShardDone(unsent, 1000))
    assert said == "shard 7 is left to the driver to send: the token may not write"


def test_time_alone_makes_lines_too():
    """Nobody looks at silence: while no shard is finished, the line comes all the same."""
    heard = threading.Event()
    with report_progress(
        lambda line: heard.set() if "waiting for the first shard" in line else None, interval=0.01
    ) as tell:
        tell(started())
        assert heard.wait(30)


def test_why_shards_are_not_begun_is_said_once():
    """A ceiling keeps thousands from it, for one reason."""
    progress = Progress(lambda: 0.0)
    events = [ShardFailed(ShardFailure(index=index, error="not begun: raise it", attempts=0)) for index in range(3)]
    assert [progress.take(event) for event in events] == ["not begun: raise it", None, None]
