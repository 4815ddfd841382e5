"""Status: how a run stands, in lines while it works, and for others afterwards."""

import json
import threading

import modal
import pytest

from vecmill.errors import RunError, StoreError
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
from vecmill_modal_runtime import status
from vecmill_modal_runtime.options import ModalOptions
from vecmill_modal_runtime.status import (
    TROUBLES,
    Progress,
    Status,
    describe_status,
    read_status,
    report_progress,
    watch_run,
)

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
    """A finished release is complete from the start; a run is as soon as its last shard is there."""
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


RUN = "wiki-11111111-aaaaaa"


class Entries(dict):
    """A Dict as Modal's client has it, that may be out of reach."""

    broken = False

    def put(self, key, value):
        """Write an entry."""
        if self.broken:
            raise modal.exception.ServiceError("unavailable")
        self[key] = value


@pytest.fixture
def entries():
    """Return a Dict."""
    return Entries()


@pytest.fixture
def told(monkeypatch):
    """Return what the webhook was told."""
    reports = []
    monkeypatch.setattr(status, "call_webhook", lambda report, say: reports.append(report))
    return reports


def end(entries, error):
    """Watch over a run that ends with an error."""
    with watch_run("refresh", print, entries) as watch:
        watch.begin("wiki", RUN, ModalOptions(max_cost_usd="none"))
        raise error


def known(entries, key="wiki"):
    """Return what is known."""
    return read_status(key, entries)


def test_a_run_is_watched_from_its_begin_to_its_end(entries, told):
    """By the dataset's name and by its own; the ceiling is in it, and the numbers of a progress line."""
    with watch_run("refresh", print, entries) as watch:
        watch.begin("wiki", "", ModalOptions(max_cost_usd=20))
        assert known(entries).state == "planning"
        watch.begin("wiki", RUN, ModalOptions(max_cost_usd=20))
        watch.update(
            state="running", shards=100, shards_done=41, percent=41.2, cost_usd=1.5, seconds_left=60.0, containers=10
        )
        assert known(entries) == known(entries, RUN)
        text = describe_status(known(entries))
    assert text.splitlines()[0].startswith(f"{RUN}: running (refresh of vecmill, begun 20")
    assert text.splitlines()[1:-1] == [
        "done        41.2%: 41 of 100 shards, 0 documents, 0 chunks",
        "cost        about 1.50 USD, of at most 20.00",
        "time left   about 0:01:00, with 10 containers",
    ]
    assert text.splitlines()[-1].startswith("last report 0:00:0")
    assert (known(entries).state, known(entries).percent) == ("finished", 100.0)
    assert told == []


def test_a_failure_is_known_and_told_without_secrets(entries, told, monkeypatch):
    """In words that a person reads, and in fields that a program does; the error goes on its way."""
    monkeypatch.setenv("HF_TOKEN", "hf_verysecrettoken")
    with pytest.raises(RunError):
        end(entries, RunError("3 of 9 shards failed with hf_verysecrettoken"))
    found = known(entries, RUN)
    assert (found.state, found.error) == ("failed", "3 of 9 shards failed with ***")
    assert "last error  3 of 9 shards failed with ***" in describe_status(found)
    assert "without a ceiling" in describe_status(found)
    (report,) = told
    assert {name: report[name] for name in ("app", "by", "dataset", "run", "state", "error")} == {
        "app": "vecmill",
        "by": "refresh",
        "dataset": "wiki",
        "run": RUN,
        "state": "failed",
        "error": "3 of 9 shards failed with ***",
    }
    assert report["text"] == f"vecmill: refresh of {RUN} failed: 3 of 9 shards failed with ***"
    assert json.loads(json.dumps(report)) == report


def test_a_failure_before_the_run_is_known_is_told_too(entries, told):
    """A source that is gone, an option that is wrong; an error that nobody raised on purpose, with its kind."""
    with pytest.raises(ZeroDivisionError), watch_run("embed", print, entries):
        raise ZeroDivisionError("division by zero")
    assert told[0]["text"] == "vecmill: embed of a run failed: ZeroDivisionError: division by zero"


def test_a_container_that_is_taken_away_has_not_failed(entries, told):
    """Another one goes on."""
    with pytest.raises(KeyboardInterrupt):
        end(entries, KeyboardInterrupt())
    assert known(entries).state == "interrupted"
    assert told == []


@pytest.mark.fault(
    "modal",
    "Modal's Dict is unreachable while a run writes its status",
    promise="The run continues; its status is written as soon as the Dict is reachable.",
)
def test_a_dict_that_is_out_of_reach_stops_no_run(entries, told):
    """The next sign comes in some seconds."""
    entries.broken = True
    with watch_run("embed", print, entries) as watch:
        watch.begin("wiki", RUN, ModalOptions())
        entries.broken = False
    assert known(entries).state == "finished"


def test_a_run_that_is_not_heard_of_is_doubted():
    """A container out of memory, or at the end of its day, says nothing."""
    old = Status(
        app="a",
        by="refresh",
        run=RUN,
        state="running",
        began="2026-11-03T04:00:00+00:00",
        updated="2026-11-03T05:00:00+00:00",
    )
    assert "it may have ended without a word (`modal app logs` says more)" in describe_status(old)
    assert "without a word" not in describe_status(old.model_copy(update={"state": "finished"}))


def test_what_a_corpus_put_into_an_error_drives_no_terminal():
    """An id of a document may hold anything."""
    old = Status(
        app="a", by="refresh", run=RUN, updated="2026-11-03T05:00:00+00:00", error="\x1b[31mred\x1b]0;title\x07"
    )
    assert "\x1b" not in describe_status(old)
    assert "\x07" not in describe_status(old)


def test_what_nobody_knows_is_said(entries):
    """No run, or one for more than a week; and what a later version wrote."""
    with pytest.raises(StoreError, match="nothing is known of a run of 'wiki' in the last week"):
        known(entries)
    entries["wiki"] = '{"app": 3}'
    with pytest.raises(RunError, match="update vecmill here"):
        known(entries)
