"""Search and Searcher: the nearest passages, read from the dataset that was opened."""

import pytest

import vecmill
from vecmill.errors import StoreError
from vecmill.job.publish import publish
from vecmill.testing import HashEmbedder

WORDS = [f"word{n} stands alone" for n in range(50)]


def test_the_nearest_passage_comes_first(job, corpus):
    """A chunk's own text finds that chunk, with cosine 1, however the dataset is cut into shards."""
    rows = [{"id": str(n), "title": "", "text": text} for n, text in enumerate(WORDS)]
    dataset = vecmill.run(job(corpus(*rows), shards={"target_mb": 0.0005}))
    assert len(dataset.manifest.shards) > 1
    best, *others = vecmill.search(dataset.path, WORDS[33], limit=4)
    assert (best.id, best.text, best.chunk_index) == ("33", WORDS[33], 0)
    assert best.score == pytest.approx(1)
    scores = [best.score, *(passage.score for passage in others)]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 4


def test_options_of_the_machine_that_embedded_are_left_out_for_a_query(job, corpus, monkeypatch):
    """A dataset made with what another machine has can be searched on this one."""
    dataset = vecmill.run(job(corpus({"id": "a", "text": "one"}), embedder={"name": "hash", "refuse": "two"}))
    monkeypatch.setattr(HashEmbedder, "machine", frozenset({"refuse"}))
    assert vecmill.search(dataset.path, "two")[0].id == "a"


def test_a_folder_without_a_dataset_is_one_clear_error(tmp_path):
    """There is nothing to search in an empty folder."""
    with pytest.raises(StoreError, match="no finished dataset"):
        vecmill.search(tmp_path, "anything")


def test_a_searcher_gives_what_search_gives(job, corpus):
    """The same passages with the same scores, over every shard and row group, for one query after another."""
    rows = [{"id": str(n), "title": "", "text": text} for n, text in enumerate([*WORDS, WORDS[7], WORDS[7]])]
    dataset = vecmill.run(job(corpus(*rows), shards={"target_mb": 0.0005}))
    with vecmill.Searcher(dataset.path) as searcher:
        for query, limit in ((WORDS[7], 2), (WORDS[49], 5), ("else", 1), ("else", 1000)):
            found, expected = searcher.search(query, limit), vecmill.search(dataset.path, query, limit)
            assert [passage.id for passage in found] == [passage.id for passage in expected]
            assert [passage.score for passage in found] == pytest.approx([each.score for each in expected], abs=1e-6)
        assert [passage.id for passage in searcher.search(WORDS[7], 2)] == ["7", "50"], "of equal ones, the earlier"


@pytest.mark.fault(
    "publish",
    "the folder that a `Searcher` has opened gets another dataset with the same file names",
    promise="Searches end with one message, and never with a passage of the new dataset for a vector of the old.",
)
@pytest.mark.parametrize("gone", [False, True])
def test_a_searcher_serves_no_dataset_but_the_one_it_opened(job, corpus, tmp_path, gone):
    """Rows of the same number under the same name: only what is opened again shows them."""
    there = tmp_path / "there"

    def deliver(words):
        rows = ({"id": str(n), "title": "", "text": text} for n, text in enumerate(words))
        publish(vecmill.run(job(corpus(*rows)), overwrite=True).path, "parquet", {"path": str(there)})

    deliver(WORDS)
    with vecmill.Searcher(there) as searcher:
        assert searcher.search(WORDS[7])[0].id == "7"
        if gone:
            (there / "manifest.json").unlink()
        else:
            deliver(WORDS[::-1])
        with pytest.raises(StoreError, match="holds another dataset than when it was opened"):
            searcher.search(WORDS[7])
    if not gone:
        assert vecmill.search(there, WORDS[7])[0].id == "42"


def test_a_searcher_goes_on_where_the_manifest_alone_is_written_again(job, corpus):
    """With a licence that was forgotten, say: its rows are the same."""
    path = corpus({"id": "1", "text": "one"})
    with vecmill.Searcher(vecmill.run(job(path)).path) as searcher:
        vecmill.run(job(path, source={"name": "jsonl", "path": str(path), "license": "cc0-1.0"}))
        assert [searcher.search("one")[0].id for _ in range(2)] == ["1", "1"]
