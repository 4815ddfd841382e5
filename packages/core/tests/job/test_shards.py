"""Tests of vecmill.job.shards: what becomes of a run whose engine refuses texts."""

import pytest

import vecmill
from vecmill.errors import RunError

ROWS = [
    {"id": f"d{n}", "text": f"Document {n} begins.\n\nIt says a few words more, {n} of them or so. " * 4}
    for n in range(200)
]
SMALL = {"shards": {"target_mb": 0.002}}


@pytest.mark.fault(
    "engine",
    "it refuses every text: it wants another request, or its vectors are not of unit length",
    promise="The run stops within a few dozen texts with the engine's own words, and quarantines nothing; once it is "
    "mended, the same command goes on.",
)
def test_an_engine_that_refuses_every_text_stops_the_run_at_once(job, corpus, server, tmp_path):
    """Its words are in the message, no document is blamed, and the other shards are not tried."""
    work = job(corpus(*ROWS), **SMALL)
    server.refuses = staticmethod(lambda _: True)
    with pytest.raises(RunError, match=r"engine refuses every text, so \d+ more(.|\n)*400 field required: model"):
        vecmill.run(work)
    assert sum(count == 1 for count in server.asked) <= 40
    assert len(server.asked) <= 90
    assert not list((tmp_path / "out").rglob("*.parquet"))
    server.refuses = staticmethod(lambda _: False)
    dataset = vecmill.run(work)
    assert (dataset.account.documents_embedded, dataset.account.documents_quarantined) == (200, 0)


@pytest.mark.fault(
    "engine",
    "it breaks in mid-run, and refuses what it embedded before",
    promise="The run stops with its words, and no document is quarantined for it; once it is mended, the same command "
    "goes on.",
)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_an_engine_that_breaks_in_mid_run_quarantines_nothing(job, corpus, server, tmp_path, share):
    """Whether it breaks early in a shard or with its last texts: what passed before is asked again before a receipt."""
    work = job(corpus(*ROWS), **SMALL)
    whole = vecmill.run(job(corpus(*ROWS), **SMALL, publish=[{"name": "parquet", "path": str(tmp_path / "whole")}]))
    texts = int(sum(server.asked) * share)
    server.asked.clear()
    server.refuses = staticmethod(lambda _: sum(server.asked) > texts)
    with pytest.raises(RunError, match=r"one that it had embedded before"):
        vecmill.run(work)
    assert not list((tmp_path / "out").rglob("quarantine*.parquet"))
    server.refuses = staticmethod(lambda _: False)
    dataset = vecmill.run(work)
    assert dataset.account == whole.account
    assert [shard.sha256 for shard in dataset.manifest.shards] == [shard.sha256 for shard in whole.manifest.shards]


@pytest.mark.fault(
    "engine",
    "it refuses all texts of one shard, which are longer than it takes, and none of the others",
    promise="Their documents are quarantined, each with its words: the engine is cleared by a text that passes.",
)
@pytest.mark.parametrize("first", [True, False])
def test_a_shard_whose_texts_are_all_refused_is_quarantined_if_the_engine_works(job, corpus, server, first):
    """Also where it is the first one, and nothing passed before it."""
    long = [{"id": f"long{n}", "text": " ".join(f"word{n}-{i}" for i in range(100))} for n in range(60)]
    rows = [*long, *ROWS] if first else [*ROWS, *long]
    server.refuses = staticmethod(lambda text: text.startswith("word") and len(text) > 100)
    dataset = vecmill.run(job(corpus(*rows), **SMALL, max_quarantine=0.5))
    assert dataset.account.documents_quarantined == 60
    assert dataset.manifest.reasons == {"not embedded": 60}
    assert len(dataset.manifest.shards) > 5
