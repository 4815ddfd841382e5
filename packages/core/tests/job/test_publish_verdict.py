"""What is no dataset, and what to do about it."""

import json

import pytest

import vecmill
from vecmill import publish
from vecmill.errors import PublishError, RunError
from vecmill.plugins import load
from vecmill.sources import JsonlSource

GOOD = [{"id": f"d{n}", "text": f"Document {n} says a few words."} for n in range(10)]


@pytest.mark.fault(
    "input",
    "not one document can be embedded",
    promise="The run fails with the reasons, with any max_quarantine; the empty dataset is not published.",
)
def test_an_empty_dataset_is_neither_finished_nor_published(job, corpus, tmp_path):
    """With max_quarantine = 1.0, too, and again by the same command."""
    work = job(corpus({"id": "1", "text": " "}, {"id": "2", "text": None}), max_quarantine=1.0)
    for _ in range(2):
        with pytest.raises(
            RunError, match=r"2 of 2 documents.*empty dataset is not finished: correct the source"
        ) as told:
            vecmill.run(work)
        assert "max_quarantine" not in str(told.value)
    with pytest.raises(PublishError, match="an empty dataset is not finished"):
        publish(tmp_path / "out", "parquet", {"path": str(tmp_path / "copy")})
    assert not (tmp_path / "copy").exists()


def test_an_empty_dataset_that_passed_for_complete_is_not_published(job, corpus, tmp_path):
    """The first versions finished one where max_quarantine allowed all documents to be missing."""
    work = job(corpus({"id": "1", "text": " "}), max_quarantine=1.0)
    with pytest.raises(RunError):
        vecmill.run(work)
    manifest = tmp_path / "out" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"status": "complete"}))
    with pytest.raises(PublishError, match="an empty dataset is not finished"):
        publish(tmp_path / "out", "parquet", {"path": str(tmp_path / "copy")})
    with pytest.raises(RunError, match="an empty dataset is not finished"):
        vecmill.run(work)


def test_a_source_that_gives_no_documents_is_told_as_such(job, corpus, monkeypatch):
    """Batches without rows are none of a corpus."""

    class Empty(JsonlSource):
        name = "empty"

        def partitions(self, text_bytes):
            return (part.model_copy(update={"documents": None}) for part in super().partitions(text_bytes))

        def read(self, partition):
            return (batch.slice(0, 0) for batch in super().read(partition))

    sources = load().registry.entries["source"]
    monkeypatch.setitem(sources, "empty", type(sources["jsonl"])(Empty, "tests"))
    path = corpus(*GOOD)
    with pytest.raises(RunError, match=r"'empty' gave no documents, .*correct the job's \[source\]"):
        vecmill.run(job(path, source={"name": "empty", "path": str(path)}, max_quarantine=1.0))


@pytest.mark.parametrize(
    ("bad", "keys", "advice"),
    [
        ({"id": "d0", "text": "again"}, {}, "1 duplicate id.*: give each document of the source its own id; or,"),
        ({"id": "x", "text": ""}, {}, "1 blank text.*: correct the source; or,"),
        (
            {"id": "x", "text": "word " * 40},
            {"chunker": {"name": "characters", "size": 1000}, "embedder": {"name": "hash", "max_tokens": 16}},
            "1 too long.*: use smaller chunks, or set truncate = true; or,",
        ),
        (
            {"id": "x", "text": "POISON"},
            {"embedder": {"name": "hash", "refuse": "POISON"}},
            r"1 not embedded\).*: read the engine's message for each, .*command again; or,",
        ),
    ],
)
def test_the_advice_fits_the_reason(job, corpus, bad, keys, advice):
    """Who may raise the limit is told how far."""
    path = corpus(*GOOD, bad)
    with pytest.raises(RunError, match=advice) as told:
        vecmill.run(job(path, **keys))
    assert "raise max_quarantine to 0.091 and run again" in str(told.value)
    assert vecmill.run(job(path, **keys, max_quarantine=0.091)).manifest.status == "complete"
