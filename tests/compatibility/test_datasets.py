"""Datasets that the version before finished: they are verified, searched, reported on, published and used again."""

from __future__ import annotations

import json
import shutil

import pyarrow.parquet as pq
import pytest

from compatibility.jobs import HERE, JOBS, make_job
from vecmill import open_dataset, publish, run, search, verify
from vecmill.job.publish import preview


@pytest.fixture
def own_runs(before, monkeypatch):
    """Let the runs of the version before be this user's own, as its register says."""
    monkeypatch.setenv("VECMILL_STATE", str(before("state")))


@pytest.mark.parametrize("name", ["finished", "since", "tiny"])
def test_it_is_valid(name, before):
    """Nothing in it contradicts anything else: files, rows, account, quarantine, card."""
    result = verify(before(name))
    assert result.faults == []


def test_its_manifest_says_what_it_said(before):
    """Account, reasons, model and the earlier run whose vectors it has."""
    manifest, stated = (
        open_dataset(before("since")).manifest,
        json.loads((HERE / "before/since/manifest.json").read_bytes()),
    )
    dumped = manifest.model_dump(mode="json")
    for key in ("run_id", "identity", "recipe", "source", "account", "reasons", "columns", "shards", "quarantine"):
        assert dumped[key] == stated[key]
    assert dumped["model"].items() >= stated["model"].items()
    assert manifest.reused.run_id == stated["reused"]["run_id"]


def test_it_is_searched(before):
    """What was embedded is nearest to itself."""
    dataset = open_dataset(before("finished"))
    shard = dataset.path / dataset.manifest.shards[1].path
    (row,) = pq.read_table(shard, partitioning=None).slice(7, 1).to_pylist()
    query = f"{row['title']}\n\n{row['text']}" if row["title"] else row["text"]
    (found,) = search(dataset.path, query, limit=1, embedder=JOBS["titles"]["embedder"])
    assert (found.id, found.chunk_index, found.text) == (row["id"], row["chunk_index"], row["text"])
    assert found.score == pytest.approx(1)


@pytest.mark.usefixtures("own_runs")
def test_its_model_is_found_again(before, vecmill):
    """Where the model is stands in the register and in a note beside the dataset: nobody is asked."""
    folder = before("tiny")
    (found,) = search(folder, "w1 w2 w3", limit=1)
    assert found.text
    report = json.loads(vecmill("report", folder, "--json").stdout)
    assert report["manifest"]["account"]["chunks"] == report["known_items"]["rows"] == 30


@pytest.mark.parametrize("name", ["finished", "tiny"])
def test_it_is_published(name, before, tmp_path):
    """A copy is the same to the last byte, and a second time nothing is to do."""
    folder, there = before(name), tmp_path / "copy"
    for _ in range(2):
        publish(folder, "parquet", {"path": str(there)})
        assert verify(there, expect=verify(folder).sha256).ok
    assert not list(preview(folder, "parquet", {"path": str(there)}))


def test_a_copy_that_it_made_is_known_as_one(before, tmp_path):
    """By the note that was left beside it: the copy is refreshed, and nobody is asked."""
    folder, there = before("finished"), tmp_path / "copy"
    shutil.copytree(folder, there, ignore=shutil.ignore_patterns(".vecmill*"))
    shutil.copyfile(HERE / "before" / "copy.json", there / ".vecmill.mirror.json")
    assert not list(preview(folder, "parquet", {"path": str(there)}))
    (there / "data" / "train-00001-of-00003.parquet").unlink()
    publish(folder, "parquet", {"path": str(there)})
    assert verify(there, expect=verify(folder).sha256).ok


@pytest.mark.parametrize("name", ["finished", "since"])
def test_its_vectors_are_used_again(name, before, tmp_path):
    """All of them, for every document that it has."""
    folder = before(name)
    dataset = run(make_job("titles", tmp_path / "out"), since=folder)
    assert dataset.manifest.reused.chunks == open_dataset(folder).account.chunks
    assert verify(dataset.path).faults == []


def test_a_finished_run_is_left_alone(before):
    """The command that made it finds it done."""
    folder = before("tiny")
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    run(make_job("tiny", folder))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == files


def test_a_damaged_shard_is_repaired(before, hashes):
    """From the source, with the account that it had."""
    folder = before("since")
    shard = folder / "data" / "train-00001-of-00002.parquet"
    was = pq.read_table(shard, partitioning=None)
    shard.write_bytes(shard.read_bytes()[:-100])
    assert not verify(folder).ok
    run(make_job("titles", folder, source=JOBS["titles"]["source"] | {"limit": 20}))
    assert verify(folder).faults == []
    assert pq.read_table(shard, partitioning=None).equals(was)
