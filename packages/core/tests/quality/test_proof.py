"""Tests of vecmill.quality.proof: what only the model can tell of a dataset."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import vecmill
from tampering import Copy, set_cell
from vecmill.errors import ConfigError, ModelError
from vecmill.quality import proof
from vecmill.store.verify import Problem

ROWS = [
    {"id": f"d{n}", "title": f"Title {n}", "text": " ".join(f"sentence {k} says the number {n}." for k in range(20))}
    for n in range(30)
]


@pytest.fixture
def copy(made):
    """A dataset in several shards, with a prompt and with titles, to tamper with."""
    dataset = made(*ROWS, embedder={"name": "hash", "prompt": "passage: "}, shards={"target_mb": 0.005})
    assert len(dataset.manifest.shards) > 2
    return Copy(dataset.path)


def rewrite_vectors(change):
    """Return what changes the vectors of a table, as an array."""

    def tamper(rows):
        column = rows.column("embedding").combine_chunks()
        array = change(np.array(column.flatten()).reshape(len(rows), -1)).astype(np.float32)
        changed = pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), type=column.type)
        return rows.set_column(rows.column_names.index("embedding"), rows.schema.field("embedding"), changed)

    return tamper


def exchange(array):
    """Exchange two vectors."""
    array[[0, 1]] = array[[1, 0]]
    return array


def check(copy, **options):
    """Seal a copy, see that its files tell nothing, and return what its model tells."""
    copy.seal()
    copy.remake_card()
    assert vecmill.verify(copy.root).faults == []
    return vecmill.verify(copy.root, sample=10_000, **options)


@pytest.mark.parametrize("block", [1, 7, 4096])
def test_a_valid_dataset_has_the_vectors_and_the_counts_of_its_model(copy, monkeypatch, block):
    """All of it, or a few chunks; however many are embedded at a time."""
    monkeypatch.setattr(proof, "BLOCK", block)
    result = check(copy)
    assert (result.faults, result.embedded) == ([], result.manifest.account.chunks)
    few = vecmill.verify(copy.root, sample=5)
    assert (few.faults, few.embedded) == ([], 5)


@pytest.mark.fault(
    "disk",
    "somebody exchanges vectors or texts of a finished dataset and adapts everything else",
    promise="`vecmill verify --embed` embeds a sample again and names the chunks whose vectors differ.",
)
def test_two_vectors_that_were_exchanged_are_named(copy):
    """By file and row, with the cosine."""
    copy.rewrite(copy.shard(1), rewrite_vectors(exchange))
    result = check(copy)
    path = copy.manifest["shards"][1]["path"]
    assert [(fault.path, fault.problem.partition(":")[0]) for fault in result.faults] == [
        (path, "row 0"),
        (path, "row 1"),
    ]
    assert all("the model gives another vector for its text (cosine " in fault.problem for fault in result.faults)


def test_another_text_or_title_has_another_vector(copy):
    """A text of the same length; a title that is the same in all chunks of its document."""
    first = pq.read_table(copy.shard(0), partitioning=None)
    rows = [row for row, id_ in enumerate(first["id"].to_pylist()) if id_ == "d1"]
    copy.rewrite(copy.shard(0), set_cell("title", rows, "Title 2"))
    copy.rewrite(copy.shard(2), set_cell("text", 1, lambda text: text.replace("number", "rebmun")))
    found = {(fault.path, int(fault.problem[4:].partition(":")[0])) for fault in check(copy).faults}
    paths = [entry["path"] for entry in copy.manifest["shards"]]
    assert found == {(paths[0], row) for row in rows} | {(paths[2], 1)}


def test_tokens_are_counted_again(copy):
    """The account is made to fit."""
    copy.rewrite(copy.shard(0), set_cell("tokens", 1, lambda tokens: tokens + 1))
    copy.manifest["account"]["tokens"] += 1
    (found,) = check(copy).faults
    assert found.problem.startswith("row 1: tokens is ")


def test_vectors_of_another_length_are_others(made):
    """The direction alone is not enough where the model does not normalise."""
    dataset = made(*ROWS)
    copy = Copy(dataset.path)
    model = copy.manifest["model"]
    for part in (model, model["outputs"][0], copy.manifest["identity"]["weights"]):
        part["normalized"] = False
    copy.rewrite(copy.shard(0), rewrite_vectors(lambda array: array * 1.3))
    copy.hide()
    assert check(copy, embedder="hash").faults


def test_rounding_is_no_fault(copy):
    """As another arithmetic has it: half precision, and a noise of a hundredth."""
    noise = np.random.default_rng(1).normal(size=(10_000, 8)) * 0.003
    copy.rewrite(copy.shard(0), rewrite_vectors(lambda array: array.astype(np.float16) + noise[: len(array)]))
    assert check(copy).faults == []


def test_a_model_is_not_opened_for_a_dataset_whose_files_are_at_fault(copy, monkeypatch):
    """The faults of the files are told first."""
    monkeypatch.setattr(proof, "open_embedder", lambda *_, **__: pytest.fail("it was opened"))
    copy.shard(0).unlink()
    result = vecmill.verify(copy.root, sample=5)
    assert (result.faults, result.embedded) == ([Problem(copy.manifest["shards"][0]["path"], "the file is missing")], 0)


def test_truncated_chunks_are_counted_as_the_model_saw_them(made):
    """As many tokens as it takes, and no more."""
    dataset = made(
        *ROWS,
        chunker={"name": "characters", "size": 300},
        embedder={"name": "hash", "max_tokens": 20},
        truncate=True,
    )
    assert dataset.account.truncated_chunks
    assert vecmill.verify(dataset.path, sample=1000).faults == []


def test_the_rules_of_search_hold(copy, forget_runs):
    """The model of a dataset from elsewhere is not opened because its manifest names it."""
    forget_runs()
    for part in (copy.manifest["recipe"], copy.manifest["identity"]):
        part["embedder"]["refuse"] = "x"
    copy.hide()
    with pytest.raises(ModelError, match="no run that is known here made it"):
        vecmill.verify(copy.root, sample=5)
    assert vecmill.verify(copy.root, sample=5, embedder={"name": "hash", "refuse": None}).faults == []


def test_a_plugins_chunker_is_not_made_by_a_manifest_from_elsewhere(made, forget_runs):
    """Its options may lead anywhere."""
    dataset = made(*ROWS, chunker={"name": "characters", "size": 100})
    copy = Copy(dataset.path)
    for part in (copy.manifest["recipe"], copy.manifest["identity"]):
        part["chunker"]["name"] = "elsewhere"
    copy.hide()
    forget_runs()
    with pytest.raises(ModelError, match="the chunker 'elsewhere' of a plugin"):
        vecmill.verify(copy.root, sample=5)


def test_a_negative_sample_is_refused(copy):
    """There is no such number of chunks."""
    with pytest.raises(ConfigError, match="sample = -1: name how many chunks"):
        vecmill.verify(copy.root, sample=-1)
