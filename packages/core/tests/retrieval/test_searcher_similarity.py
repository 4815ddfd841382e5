"""Tests of how vectors are compared: from what a model says of itself to what a search, a report and a card show."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

import vecmill
from vecmill.quality import measure
from vecmill.records import SIMILARITIES, ModelInfo
from vecmill.testing import HashEmbedder

WORDS = [f"word{n} stands{' alone' * (n % 5)}" for n in range(40)]
EMBED, MODEL = HashEmbedder.embed, HashEmbedder.model
FUNCTIONS = {
    "cosine": lambda vectors, query: vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query),
    "dot": lambda vectors, query: vectors @ query,
    "euclidean": lambda vectors, query: -np.sqrt(((vectors - query) ** 2).sum(axis=1)),
    "manhattan": lambda vectors, query: -np.abs(vectors - query).sum(axis=1),
}


def describe(monkeypatch, **keys):
    """Have the stand-in describe its model otherwise."""

    def model(self):
        return ModelInfo(**MODEL(self).model_dump(exclude={"outputs", "similarity"}) | keys)

    monkeypatch.setattr(HashEmbedder, "model", model)


@pytest.fixture
def made(job, corpus, monkeypatch):
    """Make a dataset of vectors of any length, compared in a certain way, in several shards."""

    def embed(self, texts):
        vectors = EMBED(self, texts)
        return vectors * (1 + np.abs(vectors[:, :1]) * 4)

    def make(similarity):
        monkeypatch.setattr(HashEmbedder, "embed", embed)
        describe(monkeypatch, normalized=False, similarity=similarity)
        rows = [{"id": str(n), "title": "", "text": text} for n, text in enumerate([*WORDS, WORDS[7], WORDS[7]])]
        return vecmill.run(job(corpus(*rows), shards={"target_mb": 0.001}))

    return make


def rank(dataset, query, similarity):
    """Return ids and scores as numpy finds them, of equal ones the earlier first."""
    table = pq.read_table(dataset.path / "data")
    vectors = np.array(table.column("embedding").to_pylist(), np.float64)
    scores = FUNCTIONS[similarity](vectors, vecmill.embed_query(dataset.manifest, query).astype(np.float64))
    order = np.argsort(-np.round(scores, 5), kind="stable")
    return [table.column("id")[row].as_py() for row in order], scores[order]


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_a_search_ranks_as_the_model_asks(made, similarity):
    """By the cosine though vectors have any length, by the product or by a distance; the passage says which."""
    dataset = made(similarity)
    assert len(dataset.manifest.shards) > 1
    rankings = {other: rank(dataset, WORDS[7], other)[0] for other in SIMILARITIES}
    assert len({tuple(ids) for ids in rankings.values()}) == len(SIMILARITIES), "this corpus tells them apart"
    ids, scores = rank(dataset, WORDS[7], similarity)
    with vecmill.Searcher(dataset.path) as searcher:
        for found in (vecmill.search(dataset.path, WORDS[7], 50), searcher.search(WORDS[7], 50)):
            assert [passage.id for passage in found] == ids
            assert [passage.score for passage in found] == pytest.approx(scores.tolist(), abs=1e-4)
            assert {passage.similarity for passage in found} == {similarity}
    equal = [id_ for id_ in ids if id_ in {"7", "40", "41"}]
    assert equal == ["7", "40", "41"], "of equal ones, the earlier"


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_manifest_report_and_card_say_how_vectors_are_compared(made, similarity):
    """And verify finds it in all of them."""
    dataset = made(similarity)
    stated = json.loads((dataset.path / "manifest.json").read_bytes())["model"]
    assert stated["similarity"] == stated["outputs"][0]["similarity"] == similarity
    assert f"| similarity | {similarity} |" in (dataset.path / "README.md").read_text()
    assert vecmill.verify(dataset.path, sample=1000).faults == []
    found = measure(dataset.path).known_items
    assert found.similarity == similarity
    first = [rank(dataset, text, similarity)[0][0] == str(n) for n, text in enumerate([*WORDS, WORDS[7], WORDS[7]])]
    assert found.hit_1 == pytest.approx(np.mean(first))


def test_a_dataset_that_does_not_say_is_compared_by_the_product(made):
    """As by the version that made it."""
    dataset = made("manhattan")
    path = dataset.path / "manifest.json"
    manifest = json.loads(path.read_bytes())
    del manifest["model"]["outputs"], manifest["model"]["similarity"]
    path.write_text(json.dumps(manifest))
    found = vecmill.search(dataset.path, WORDS[7], 50)
    assert [passage.id for passage in found] == rank(dataset, WORDS[7], "dot")[0]
    assert {passage.similarity for passage in found} == {"dot"}


def test_the_same_job_is_the_same_run_however_its_vectors_are_compared(made):
    """No shard depends on it, so that a run of a version without it is finished by this one."""
    assert len({made(similarity).manifest.run_id for similarity in SIMILARITIES}) == 1


def test_another_column_holds_what_a_model_calls_otherwise(job, corpus, monkeypatch):
    """In the shards, the manifest, a search, a report, a check, and where its vectors are used again."""
    outputs = [{"name": "vector", "dimension": 8, "normalized": True, "similarity": "cosine"}]
    describe(monkeypatch, outputs=outputs)
    rows = [{"id": str(n), "title": "", "text": text} for n, text in enumerate(WORDS)]
    dataset = vecmill.run(job(corpus(*rows)))
    assert [*dataset.manifest.columns][-1] == pq.read_table(dataset.path / "data").column_names[-1] == "vector"
    assert vecmill.search(dataset.path, WORDS[3])[0].id == "3"
    assert measure(dataset.path).known_items.hit_1 == 1
    assert vecmill.verify(dataset.path, sample=1000).faults == []
    assert "`vector` is a\nfixed-size list of 8 float32" in (dataset.path / "README.md").read_text()
    there = str(dataset.path.parent / "again")
    again = vecmill.run(job(corpus(*rows), publish=[{"name": "parquet", "path": there}]), since=dataset.path)
    assert again.manifest.reused.chunks == len(WORDS)
    assert [entry.sha256 for entry in again.manifest.shards] == [entry.sha256 for entry in dataset.manifest.shards]
