"""A runtime whose machines share a folder without locks keeps other runs out of it."""

from pathlib import Path

import pytest

import vecmill
from vecmill.errors import RunError, StoreError
from vecmill.plugins import load
from vecmill.protocols import Lease
from vecmill.records import ShardDone
from vecmill.testing import InlineRuntime


class Notebook(Lease):
    """Notes what is done with it, and whether the dataset is there and complete; it is lost after so many checks."""

    def __init__(self, last=None):
        self.last, self.notes, self.folder = last, [], Path()

    def __enter__(self):
        if self.last == 0:
            raise StoreError("another run works in the folder")
        self.notes.append("entered with a folder" if self.folder.exists() else "entered")
        return self

    def __exit__(self, kind, error, trace):
        self.notes.append(f"left with {kind.__name__}" if kind else f"left, {vecmill.verify(self.folder).ok}")

    def check(self):
        """Be lost, at last."""
        self.notes.append("checked")
        if self.notes.count("checked") == self.last:
            raise RunError("another run has taken the folder")


class LeasedRuntime(InlineRuntime):
    """Has a lease for each folder."""

    name = "leased"
    book = Notebook()

    def lease(self, folder):
        """Note the folder."""
        self.book.folder = folder
        return self.book


class LeasedPlugin:
    """Brings ``leased``."""

    @staticmethod
    @vecmill.hookimpl
    def vecmill_register_runtimes(register):
        """Register it."""
        register(LeasedRuntime)


@pytest.fixture
def work(job, corpus):
    """Return a job of several shards on a runtime with a lease."""
    if "leased" not in load().loaded:
        load().add(LeasedPlugin, "leased", "leased 1.0")
    rows = [{"id": f"d{n}", "text": f"Document {n} has some words. " * 9} for n in range(40)]
    return job(corpus(*rows), runtime={"name": "leased"}, shards={"target_mb": 0.002})


def test_a_run_has_its_folder_from_before_the_first_file_to_after_the_last(work, monkeypatch, tmp_path):
    """It is checked with each shard that comes back; a finished run takes it too, and checks nothing."""
    monkeypatch.setattr(LeasedRuntime, "book", Notebook())
    dataset = vecmill.run(work)
    assert LeasedRuntime.book.folder == dataset.path == tmp_path / "out"
    assert LeasedRuntime.book.notes == ["entered", *["checked"] * len(dataset.manifest.shards), "left, True"]
    monkeypatch.setattr(LeasedRuntime, "book", Notebook())
    vecmill.run(work)
    assert LeasedRuntime.book.notes == ["entered with a folder", "left, True"]


def test_a_run_whose_folder_another_one_has_by_now_ends_with_its_next_shard(work, monkeypatch):
    """What is done until then counts, and the same job goes on from there."""
    monkeypatch.setattr(LeasedRuntime, "book", Notebook(last=2))
    events = []
    with pytest.raises(RunError, match="another run has taken the folder"):
        vecmill.run(work, events.append)
    assert sum(isinstance(event, ShardDone) for event in events) == 1
    assert LeasedRuntime.book.notes[-1] == "left with RunError"
    monkeypatch.setattr(LeasedRuntime, "book", Notebook())
    assert vecmill.verify(vecmill.run(work).path).ok


def test_a_folder_in_which_another_run_works_is_not_touched(work, monkeypatch, tmp_path):
    """Refused before anything is written."""
    monkeypatch.setattr(LeasedRuntime, "book", Notebook(last=0))
    with pytest.raises(StoreError, match="another run works in the folder"):
        vecmill.run(work)
    assert not (tmp_path / "out").exists()
