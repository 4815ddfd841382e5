"""Tests of vecmill.sources.corpus: a source that fails is named, in the driver and in a worker alike."""

import re

import pyarrow as pa
import pytest

import vecmill
from vecmill import Options, Partition, Source
from vecmill.errors import PluginError, ReadError, RunError, SourceError
from vecmill.plugins import load
from vecmill.plugins.registry import Registered
from vecmill.records import ShardDone, Terms
from vecmill.sources.corpus import Corpus

STEPS = ["pinned", "fingerprint", "terms", "partitions", "count", "read"]
UNASKED = {"fingerprint", "terms", "count"}
"""Of which an estimate has no need."""
CURE = "report it to the source's author"


class Frail(Source[Options]):
    """Two documents in two partitions; does what it is told to where it is told to."""

    name = "frail"
    at: str | tuple[str, int] = ""
    does: object = None

    def pinned(self):
        """Return the options."""
        return self._at("pinned", self.config)

    def fingerprint(self):
        """Return a constant."""
        return self._at("fingerprint", "frail")

    def terms(self):
        """Know nothing."""
        return self._at("terms", Terms())

    def count(self):
        """Return how many documents there are."""
        return self._at("count", 2)

    def partitions(self, target_bytes):
        """Split in two, for any size but the one that looks at the beginning."""
        for part in (1, 2):
            yield self._at("partitions", Partition(where={"file": f"{part}.tar"}, documents=1, bytes=target_bytes))

    def read(self, partition):
        """Yield one row."""
        part = partition.where["file"]
        batch = pa.record_batch({"id": [part], "text": ["Some words."]})
        yield self._at(("read", part), self._at("read", batch))

    def _at(self, step, value):
        if step != self.at:
            return value
        if isinstance(self.does, BaseException):
            raise self.does
        return self.does


@pytest.fixture
def frail(monkeypatch):
    """Return what makes the source do something at a step; it is registered."""
    monkeypatch.setitem(load().registry.entries["source"], "frail", Registered(Frail, "frail"))

    def make(at, does):
        monkeypatch.setattr(Frail, "at", at)
        monkeypatch.setattr(Frail, "does", does)

    return make


@pytest.fixture
def work(job):
    """A job over the source."""
    return job("", source={"name": "frail"})


@pytest.mark.parametrize(
    ("command", "step"),
    [*((vecmill.run, step) for step in STEPS), *((vecmill.estimate, step) for step in STEPS if step not in UNASKED)],
)
def test_a_source_that_fails_in_the_driver_is_named_with_the_step(frail, work, command, step, tmp_path):
    """Its own name, the partition where there is one, the exception with its text, and what to do; nothing is made."""
    where = r'read\(\) of the partition {"file": "1.tar"}' if step == "read" else rf"{step}\(\)"
    for error in (KeyError("body"), OSError(5, "broken", "2.tar"), ValueError("line 3")):
        frail(step, error)
        shown = rf"{type(error).__name__}: {re.escape(str(error))}"
        told = rf"^the source 'frail' failed at {where}: {shown}: check that .*{CURE}"
        with pytest.raises(ReadError, match=told) as caught:
            command(work)
        assert caught.value.__cause__ is error
    assert not (tmp_path / "out").exists()


@pytest.mark.fault(
    "plugin",
    "a source fails with a library's error, or through its own bug",
    promise="The message names it, the partition and the error; the other shards stay.",
)
def test_a_source_that_fails_in_a_worker_is_named_with_the_partition(frail, work):
    """The plan reads the first partition alone, so the second fails in the worker."""
    frail(("read", "2.tar"), KeyError("body"))
    told = r"""shard 1: the source 'frail' failed at read\(\) of the partition {"file": "2.tar"}: KeyError: 'body'"""
    with pytest.raises(RunError, match=told) as caught:
        vecmill.run(work)
    assert CURE in str(caught.value)
    frail("", None)
    events = []
    vecmill.run(work, events.append)
    assert [event.receipt.index for event in events if isinstance(event, ShardDone)] == [1]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", [SourceError("2.tar is cut"), KeyboardInterrupt(), MemoryError()], ids=repr)
def test_what_a_source_says_itself_an_interrupt_and_a_lack_of_memory_pass_unchanged(frail, work, step, error):
    """A SourceError names the file already; the others are no fault of the source."""
    frail(step, error)
    with pytest.raises(type(error)) as caught:
        vecmill.run(work)
    assert caught.value is error


@pytest.mark.parametrize(
    ("step", "value", "told"),
    [
        ("fingerprint", b"frail", r"gave bytes, not str, at fingerprint\(\)"),
        ("terms", None, r"gave NoneType, not Terms, at terms\(\)"),
        ("partitions", {"file": "1.tar"}, r"gave dict, not Partition, at partitions\(\)"),
        ("partitions", Partition(where={"file": object()}), r"gave a partition that is not JSON \(.*\)"),
        ("count", 2.5, r"gave float, not int, at count\(\)"),
        ("read", pa.table({"id": ["1"], "text": ["a"]}), r"gave Table, not RecordBatch, at read\(\) of .*1\.tar\"}"),
        ("read", pa.record_batch({"id": [1], "text": ["a"]}), "has int64, not strings, in its column 'id'"),
    ],
)
def test_a_source_that_returns_what_its_protocol_does_not_allow_is_named(frail, work, step, value, told):
    """Before anything else chokes on it."""
    frail(step, value)
    with pytest.raises(PluginError, match=f"the source 'frail' {told}: {CURE}"):
        vecmill.run(work)


def test_a_partition_is_quoted_no_longer_than_a_line_or_two():
    """What a source needs to find its rows again may be long."""
    with pytest.raises(ReadError) as caught:
        list(Corpus(Frail(Options())).read(Partition(where={"names": ["x" * 5000]})))
    assert "KeyError: 'file'" in str(caught.value)
    assert len(str(caught.value)) < 600
