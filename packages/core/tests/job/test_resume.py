"""Tests of vecmill.job.resume: how a run is cut into shards is part of the run, from its first command to its last."""

import json
import os
import shutil

import pyarrow.parquet as pq
import pytest

import vecmill
from vecmill.errors import RunError, SourceError, StoreError
from vecmill.job import plan, runner
from vecmill.records import ShardDone
from vecmill.sources import JsonlSource
from vecmill.testing import InlineRuntime
from vecmill.worker import Worker

ROWS = [{"id": f"d{n}", "text": f"Document {n}. " + f"Some words of it, {n} or so. " * (3 + n % 7)} for n in range(80)]
SMALL = {"shards": {"target_mb": 0.004}}


def stop_after(count):
    """Interrupt a run after some shards."""
    left = [count]

    def observe(event):
        left[0] -= isinstance(event, ShardDone)
        if not left[0]:
            raise KeyboardInterrupt

    return observe


def forget(out):
    """Leave of a begun run what the first versions left: no note of how it is cut."""
    state = out / ".vecmill"
    (state / "split.json.gz").unlink()
    run = json.loads((state / "run.json").read_text())
    del run["split"]
    (state / "run.json").write_text(json.dumps(run))
    for path in (state / "receipts").iterdir():
        receipt = json.loads(path.read_text())
        del receipt["partition"]
        path.write_text(json.dumps(receipt))


def shards(out):
    """Return each shard's bytes."""
    return {path.name: path.read_bytes() for path in sorted((out / "data").iterdir())}


def contents(out):
    """Return every file below a folder."""
    return {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != ".vecmill.lock"}


@pytest.fixture
def work(job, corpus, tmp_path):
    """Make the job, into a folder of its own."""
    path = corpus(*ROWS)
    return lambda out="out": job(path, publish=[{"name": "parquet", "path": str(tmp_path / out)}], **SMALL)


@pytest.fixture
def begun(work, tmp_path):
    """Begin the run, and stop it after two shards."""
    with pytest.raises(KeyboardInterrupt):
        vecmill.run(work(), stop_after(2))
    return tmp_path / "out"


@pytest.fixture
def estimate_moves(monkeypatch):
    """Have the source cut otherwise from now on, as by another version of vecmill or of a library."""

    def move(factor=1.3):
        real = plan.compute_shard_text
        monkeypatch.setattr(plan, "compute_shard_text", lambda *args: int(real(*args) * factor))

    return move


@pytest.mark.fault(
    "crash",
    "vecmill or a library is upgraded between a kill and the resume, and would cut the source into other shards",
    promise="The run continues with its plan: the same shards, byte for byte, and every document once.",
)
def test_a_run_goes_on_as_it_was_begun(work, begun, estimate_moves, tmp_path):
    """Whatever moves the estimate of a shard's size."""
    vecmill.run(work("alone"))
    estimate_moves()
    dataset = vecmill.run(work())
    assert shards(dataset.path) == shards(tmp_path / "alone")
    assert dataset.account.documents_in == len(ROWS)
    assert set(pq.read_table(dataset.path / "data")["id"].to_pylist()) == {row["id"] for row in ROWS}


@pytest.mark.parametrize(
    "damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-9])], ids=["lost", "cut"]
)
def test_a_lost_note_is_written_again_where_the_source_is_cut_alike(work, begun, damage, tmp_path):
    """Nothing that is done is done again."""
    damage(begun / ".vecmill" / "split.json.gz")
    done = []
    vecmill.run(work("alone"))
    vecmill.run(work(), lambda event: done.append(event) if isinstance(event, ShardDone) else None)
    assert shards(begun) == shards(tmp_path / "alone")
    assert len(done) == len(shards(begun)) - 2


@pytest.mark.fault(
    "folder",
    "the note of how a run is cut into shards is damaged, and the source would be cut differently now",
    promise="The run is refused and changes nothing; `--overwrite` starts it again.",
)
def test_a_lost_note_is_refused_where_the_source_is_cut_otherwise(work, begun, estimate_moves):
    """The message says so, and what to do."""
    (begun / ".vecmill" / "split.json.gz").write_bytes(b"nonsense")
    before = contents(begun)
    estimate_moves()
    with pytest.raises(StoreError, match=r"lost its record of how .* --overwrite to begin it again"):
        vecmill.run(work())
    assert contents(begun) == before
    dataset = vecmill.run(work(), overwrite=True)
    assert dataset.account.documents_in == len(ROWS)
    assert vecmill.verify(dataset.path).ok


def test_a_run_of_the_first_versions_goes_on_if_its_shards_are_the_same(work, begun, tmp_path):
    """Their numbers of documents, from the first shard on, show that."""
    forget(begun)
    done = []
    vecmill.run(work("alone"))
    vecmill.run(work(), lambda event: done.append(event) if isinstance(event, ShardDone) else None)
    assert shards(begun) == shards(tmp_path / "alone")
    assert len(done) == len(shards(begun)) - 2


def test_of_a_run_of_the_first_versions_what_comes_after_a_gap_is_done_again(work, begun, tmp_path):
    """It has as many documents, but nothing says that they are the same."""
    forget(begun)
    (begun / ".vecmill" / "receipts" / "00000.json").unlink()
    done = []
    vecmill.run(work(), lambda event: done.append(event.receipt.index) if isinstance(event, ShardDone) else None)
    assert {0, 1} <= set(done)


def test_a_run_of_the_first_versions_that_is_cut_otherwise_is_refused(work, begun, estimate_moves):
    """Nothing is changed; with --overwrite it is begun again."""
    forget(begun)
    before = contents(begun)
    estimate_moves()
    with pytest.raises(StoreError, match=r"was begun by an older version, .* the version that began it"):
        vecmill.run(work())
    assert contents(begun) == before
    assert vecmill.run(work(), overwrite=True).account.documents_in == len(ROWS)


def test_a_run_of_which_nothing_is_done_is_cut_anew(work, begun, estimate_moves):
    """There is nothing to mix up, and no file of the split before stays."""
    forget(begun)
    shutil.rmtree(begun / ".vecmill" / "receipts")
    estimate_moves(3)
    dataset = vecmill.run(work())
    assert dataset.account.documents_in == len(ROWS)
    assert vecmill.verify(dataset.path).ok
    assert len(list((dataset.path / "data").iterdir())) == len(dataset.manifest.shards)


def test_a_receipt_of_other_rows_is_none(work, begun, tmp_path):
    """Its shard is done again."""
    path = begun / ".vecmill" / "receipts" / "00001.json"
    receipt = json.loads(path.read_text())
    path.write_text(json.dumps(receipt | {"partition": "0" * 16}))
    done = []
    vecmill.run(work(), lambda event: done.append(event.receipt.index) if isinstance(event, ShardDone) else None)
    assert 1 in done
    assert 0 not in done


def test_a_runtime_that_does_other_rows_than_asked_for_fails_the_run(work, monkeypatch):
    """Its receipts are not taken."""
    real = Worker.do

    def swap(self, task, report=lambda _: None):
        other = task.partition.model_copy(update={"where": {**task.partition.where, "more": 1}})
        return real(self, task.model_copy(update={"partition": other}), report)

    monkeypatch.setattr(Worker, "do", swap)
    with pytest.raises(RunError, match=r"the task of shard .* arrived with other options or other rows"):
        vecmill.run(work())


def test_a_source_that_is_split_into_less_than_it_has_is_refused(work, monkeypatch):
    """Before anything is embedded."""
    monkeypatch.setattr(JsonlSource, "count", lambda _: len(ROWS) + 1)
    with pytest.raises(SourceError, match="counts 81 documents, but its partitions have 80"):
        vecmill.run(work())


def test_documents_that_nobody_planned_are_missed_at_the_end(work, monkeypatch, tmp_path):
    """A source that does not know what its partitions hold may know how many documents it has."""
    real = JsonlSource.partitions

    def unknown(self, target_bytes):
        parts = [part.model_copy(update={"documents": None}) for part in real(self, target_bytes)]
        return iter(parts[:-1] or parts)

    monkeypatch.setattr(JsonlSource, "partitions", unknown)
    monkeypatch.setattr(JsonlSource, "count", lambda _: len(ROWS))
    with pytest.raises(
        RunError, match=r"documents were read, and 80 are in the source, by its own count; .* not finished"
    ):
        vecmill.run(work())
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_corpus_that_was_copied_meanwhile_is_the_same(work, begun, corpus, tmp_path):
    """Between two commands a file may get another time and another inode; its content counts."""
    path = tmp_path / "corpus.jsonl"
    shutil.copy(path, tmp_path / "copy.jsonl")
    os.utime(tmp_path / "copy.jsonl", ns=(1, 1))
    (tmp_path / "copy.jsonl").replace(path)
    done = []
    dataset = vecmill.run(work(), lambda event: done.append(event) if isinstance(event, ShardDone) else None)
    assert len(done) == len(dataset.manifest.shards) - 2


def test_a_damaged_shard_of_a_dataset_that_is_cut_otherwise_now_is_not_done_again(work, estimate_moves):
    """It would be of other rows."""
    dataset = vecmill.run(work())
    estimate_moves()
    (dataset.path / dataset.manifest.shards[1].path).write_bytes(b"")
    with pytest.raises(StoreError, match=r"cuts the source into other shards than version .* use that one, or remove"):
        vecmill.run(work())


def test_nothing_is_said_of_a_whole_dataset_that_would_be_cut_otherwise(work, estimate_moves):
    """It is finished."""
    before = vecmill.run(work())
    estimate_moves()
    assert vecmill.run(work()).manifest == before.manifest


def test_the_inline_runtime_is_asked_for_what_is_not_done(work, begun, monkeypatch):
    """And for nothing else: the tests above count what it does."""
    asked = []
    real = InlineRuntime.map
    monkeypatch.setattr(
        InlineRuntime,
        "map",
        lambda self, tasks, report: asked.extend(task.index for task in tasks) or real(self, tasks, report),
    )
    vecmill.run(work())
    assert 0 not in asked


def test_overwrite_leaves_a_finished_run_alone_whose_state_was_not_cleared(work, estimate_moves, monkeypatch):
    """It was killed between its manifest and the end: nothing of it is begun again."""
    monkeypatch.setattr(runner, "clear_state", lambda _: None)
    before = vecmill.run(work())
    monkeypatch.undo()
    assert (before.path / ".vecmill" / "run.json").exists()
    (before.path / ".vecmill" / "split.json.gz").unlink()
    estimate_moves()
    assert vecmill.run(work(), overwrite=True).manifest == before.manifest


@pytest.mark.parametrize("changes", [{"index": 99}, {"task": "0" * 16}, {"partition": "0" * 16}], ids=str)
def test_a_receipt_that_nobody_asked_for_fails_the_run(work, monkeypatch, changes):
    """Of a shard that there is not, or of a task that said something else: the runtime is named, not vecmill."""
    real = Worker.do
    monkeypatch.setattr(Worker, "do", lambda *args: real(*args).model_copy(update=changes))
    with pytest.raises(RunError, match="its receipt is of other rows or options than were given"):
        vecmill.run(work())
