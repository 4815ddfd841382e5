"""A dataset of the first format is read for ever."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import vecmill
from vecmill.job.publish import preview, publish
from vecmill.testing import install

HERE = Path(__file__).parent / "first_format"
"""A corpus, and the dataset that a job made of it: 52 documents in five shards, eight set aside for five reasons."""


@pytest.fixture
def folder(tmp_path):
    """A copy, for a dataset's folder is locked while it is worked in."""
    install()
    return Path(shutil.copytree(HERE, tmp_path / "first"))


def job(folder, out):
    """Return the job that made it, for another folder."""
    return vecmill.Job(
        source={"name": "jsonl", "path": str(folder / "corpus.jsonl"), "keep": ["lang", "tags", "score"]},
        chunker={"name": "paragraphs", "max_tokens": 32},
        embedder={"name": "hash", "refuse": "REFUSED"},
        runtime={"name": "inline"},
        shards={"target_mb": 0.01},
        max_quarantine=0.5,
        publish=[{"name": "parquet", "path": str(out)}],
    )


@pytest.mark.fault(
    "disk",
    "a dataset of the first format",
    promise="It opens, is valid, can be searched, and `--since` reuses its vectors.",
)
def test_it_is_valid(folder):
    """Its manifest has what it had then, and no more."""
    stated = json.loads((folder / "dataset" / "manifest.json").read_bytes())
    assert "max_quarantine" not in stated
    result = vecmill.verify(folder / "dataset")
    assert result.faults == []
    assert result.manifest.run_id == stated["run_id"]


def test_it_opens_and_is_searched(folder):
    """The vector of a text is the one that it had: what was embedded then is nearest to itself."""
    dataset = vecmill.open_dataset(folder / "dataset")
    assert (dataset.account.documents_in, dataset.account.chunks) == (60, 208)
    (row,) = pq.read_table(dataset.path / dataset.manifest.shards[2].path, partitioning=None).slice(5, 1).to_pylist()
    engine = {"name": "hash", "refuse": "REFUSED"}
    (found,) = vecmill.search(dataset.path, f"{row['title']}\n\n{row['text']}", limit=1, embedder=engine)
    assert (found.id, found.chunk_index, found.text) == (row["id"], row["chunk_index"], row["text"])
    assert found.score == pytest.approx(1)


def test_its_vectors_are_used_again(folder, tmp_path):
    """All of them, for the corpus is the same."""
    again = vecmill.run(job(folder, tmp_path / "out"), since=folder / "dataset")
    assert again.manifest.reused.chunks == again.account.chunks == 208
    assert vecmill.verify(again.path).faults == []


def test_a_copy_of_it_has_the_manifest_that_its_run_wrote(folder, tmp_path):
    """To the last byte, though this version would write another: the sha256 of the run is that of every copy."""
    there = tmp_path / "copy"
    for _ in range(2):
        publish(folder / "dataset", "parquet", {"path": str(there)})
        found = vecmill.verify(there, expect=vecmill.verify(folder / "dataset").sha256)
        assert found.ok, found.faults
    assert not list(preview(folder / "dataset", "parquet", {"path": str(there)}))
