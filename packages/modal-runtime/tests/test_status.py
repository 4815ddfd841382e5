"""Status: how a run stands is known from elsewhere, while it works and after it has ended."""

import json

import modal
import pytest

from vecmill.errors import RunError, StoreError
from vecmill_modal_runtime import status
from vecmill_modal_runtime.options import ModalOptions
from vecmill_modal_runtime.status import Status, describe_status, read_status, watch_run

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
    assert text.splitlines()[-1].startswith("last heard  0:00:0")
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
