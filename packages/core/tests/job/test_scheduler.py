"""What becomes of a run whose engine refuses texts."""

import contextlib
import shutil
import threading

import pytest

import vecmill
from vecmill.errors import EmbedError, EngineError, PluginError, RunError
from vecmill.job.scheduler import _describe_missing
from vecmill.records import DocumentsRetried, ShardDone, ShardFailure
from vecmill.testing import InlineRuntime

ROWS = [
    {"id": f"d{n}", "text": f"Document {n} begins.\n\nIt says a few words more, {n} of them or so. " * 4}
    for n in range(200)
]
SMALL = {"shards": {"target_mb": 0.002}}


@pytest.mark.fault(
    "engine",
    "it refuses every text: it wants another request, or its vectors are not of unit length",
    promise="The run stops within a few dozen texts with the engine's message, and quarantines nothing; once it is "
    "repaired, the same command continues.",
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
    "it breaks during a run, and refuses what it embedded before",
    promise="The run stops with its message, and no document is quarantined for it; once it is repaired, the same "
    "command continues.",
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


def test_an_answer_that_was_on_its_way_clears_no_engine(job, corpus, server, tmp_path, monkeypatch):
    """The engine breaks, refuses the shard's last texts, and only then a request from before it broke is answered."""
    rows = [
        {"id": f"d{n}", "text": f"Document {n} has twelve words, so that two batches make up a shard."}
        for n in range(30)
    ]
    embed, later, refused, first = server.embed, threading.Event(), [], []

    def break_after_the_first_request(self, texts):
        if not first:
            first.append(texts)
            assert later.wait(30)
            return embed(self, texts)
        if len(texts) == 1:
            refused.append(texts[0])
        if len(set(refused)) == len(rows) - len(first[0]):
            later.set()
        raise EmbedError("500 broken")

    monkeypatch.setattr(server, "embed", break_after_the_first_request)
    with pytest.raises(RunError, match="one that it had embedded before"):
        vecmill.run(job(corpus(*rows)))
    assert 0 < len(set(refused)) < 32
    assert not list((tmp_path / "out").rglob("quarantine*.parquet"))


@pytest.mark.fault(
    "engine",
    "it refuses all texts of one shard, which are too long for it, and none of the others",
    promise="Their documents are quarantined, each with its message: a text that it accepts shows that the engine "
    "works.",
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


def test_an_engine_of_another_width_stops_the_run_at_once(job, corpus, server, monkeypatch):
    """Neither other attempts nor other shards: each text is paid for, and no vector of them can be used."""
    embed = server.embed
    monkeypatch.setattr(server, "embed", lambda self, texts: embed(self, texts)[:, :5])
    with pytest.raises(RunError, match=r"1 of \d\d+ shards failed; .*\n.*shard 0: .*vectors of shape \(\d+, 5\)"):
        vecmill.run(job(corpus(*ROWS), **SMALL))
    assert len(server.asked) <= 8


def test_what_all_shards_failed_for_is_said_once(job, corpus, server, monkeypatch):
    """With the numbers of the shards."""

    def fail(self, texts):
        raise EngineError("the model failed: 424")

    monkeypatch.setattr(server, "embed", fail)
    with pytest.raises(RunError) as caught:
        vecmill.run(job(corpus(*ROWS), **SMALL))
    assert str(caught.value).count("424") == 1
    assert str(caught.value).endswith("\n  shards 0, 1, 2, 3, 4 and 5 more: the model failed: 424")


def contains(*marks):
    """Return an engine's refusal of texts with one of these marks."""
    return staticmethod(lambda text: any(mark in text for mark in marks))


def shards_of(dataset):
    """Return the shards' sums."""
    return [shard.sha256 for shard in dataset.manifest.shards]


@pytest.mark.fault(
    "engine",
    "it refused some documents, and the same command is given again",
    promise="Only they are embedded, in the shards that lack them; the command reports the result. All other rows "
    "keep their bytes; if nothing changes, so does every file.",
)
@pytest.mark.parametrize("allowed", [0.0, 0.5])
def test_refused_documents_are_tried_again_by_the_next_command(job, corpus, server, tmp_path, allowed):
    """Whether the run was complete or failed; in the end the dataset is that of an engine which refused none."""
    whole = vecmill.run(job(corpus(*ROWS), **SMALL, publish=[{"name": "parquet", "path": str(tmp_path / "whole")}]))
    work = job(corpus(*ROWS), **SMALL, max_quarantine=allowed)
    server.refuses = contains("Document 7 ", "Document 99 ", "Document 150 ")
    verdict = contextlib.nullcontext() if allowed else pytest.raises(RunError, match="3 of 200 documents")
    with verdict:
        vecmill.run(work)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.parquet")}
    manifest = (tmp_path / "out" / "manifest.json").read_bytes()

    events = []
    server.asked.clear()
    with contextlib.nullcontext() if allowed else pytest.raises(RunError, match="3 of 200 documents"):
        vecmill.run(work, events.append)
    assert [event for event in events if isinstance(event, DocumentsRetried)] == [DocumentsRetried(3, 0)]
    assert sum(server.asked) < 100
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.parquet")} == before
    assert (tmp_path / "out" / "manifest.json").read_bytes() == manifest
    assert vecmill.verify(tmp_path / "out").ok

    server.refuses = contains("Document 99 ")
    some = vecmill.run(work.model_copy(update={"max_quarantine": 0.5}), events.append)
    assert events[-2] == DocumentsRetried(3, 2)
    assert (some.account.documents_embedded, some.manifest.reasons) == (199, {"not embedded": 1})
    assert vecmill.verify(some.path).ok

    server.refuses = contains("no such mark")
    dataset = vecmill.run(work, events.append)
    assert events[-2] == DocumentsRetried(1, 1)
    assert (shards_of(dataset), dataset.account) == (shards_of(whole), whole.account)
    assert not (dataset.path / "quarantine.parquet").exists()
    assert not (dataset.path / ".vecmill").exists()
    events.clear()
    vecmill.run(work, events.append)
    assert not [event for event in events if isinstance(event, (DocumentsRetried, ShardDone))]


def test_an_unfinished_run_tries_refused_documents_again(job, corpus, server, tmp_path):
    """Those of shards that were done before it was interrupted."""
    work = job(corpus(*ROWS), **SMALL)

    def interrupt(event):
        if isinstance(event, ShardDone) and event.receipt.index == 5:
            raise KeyboardInterrupt

    server.refuses = contains("Document 7 ")
    with pytest.raises(KeyboardInterrupt):
        vecmill.run(work, interrupt)
    server.refuses = contains("no such mark")
    events = []
    dataset = vecmill.run(work, events.append)
    assert DocumentsRetried(1, 1) in events
    assert dataset.account.documents_embedded == 200
    assert vecmill.verify(dataset.path).ok


def test_an_engine_that_is_gone_takes_nothing_from_a_finished_run(job, corpus, server, tmp_path):
    """The dataset stays complete, and is published; that they could not be tried is said."""
    work = job(corpus(*ROWS), **SMALL, max_quarantine=0.5)
    server.refuses = contains("Document 7 ", "Document 99 ")
    first = vecmill.run(work)
    server.refuses = staticmethod(lambda _: True)
    events = []
    again = vecmill.run(work, events.append)
    assert again.manifest == first.manifest
    (retried,) = [event for event in events if isinstance(event, DocumentsRetried)]
    assert (retried.documents, retried.embedded) == (2, 0)
    assert "400 field required" in retried.error
    with pytest.raises(RunError, match="400 field required"):
        vecmill.run(work.model_copy(update={"max_quarantine": 0.0}))


@pytest.mark.parametrize("lost", [True, False])
def test_refused_documents_that_cannot_be_tried_again_are_told_of(job, corpus, server, tmp_path, lost):
    """The run's notes were removed, or another version cut it otherwise: not a word would pass for all is done."""
    work = job(corpus(*ROWS), **SMALL, max_quarantine=0.5)
    server.refuses = contains("Document 7 ", "Document 99 ")
    first = vecmill.run(work)
    server.refuses = staticmethod(lambda _: False)
    state = tmp_path / "out" / ".vecmill"
    if lost:
        shutil.rmtree(state)
    else:
        for name in ("run.json", "../manifest.json"):
            path = state / name
            path.write_text(path.read_text().replace(first.manifest.split, "0" * 64))
    events = []
    assert vecmill.run(work, events.append).account == first.account
    (retried,) = [event for event in events if isinstance(event, DocumentsRetried)]
    assert (retried.documents, retried.embedded) == (2, 0)
    assert f"with --since {tmp_path / 'out'}" in retried.error
    assert state.exists() is not lost
    elsewhere = job(corpus(*ROWS), **SMALL, publish=[{"name": "parquet", "path": str(tmp_path / "other")}])
    assert vecmill.run(elsewhere, since=tmp_path / "out").account.documents_embedded == 200


def test_what_cannot_change_is_not_tried_again(job, corpus, server):
    """Too long, blank, a duplicate: they lie in the corpus and the job."""
    rows = [*ROWS, {"id": "d1", "text": "again"}, {"id": "blank", "text": ""}]
    work = job(corpus(*rows), **SMALL, max_quarantine=0.5)
    vecmill.run(work)
    server.asked.clear()
    events = []
    vecmill.run(work, events.append)
    assert not server.asked
    assert not [event for event in events if isinstance(event, (DocumentsRetried, ShardDone))]


def test_duplicates_stay_set_aside_when_their_shard_is_done_again(job, corpus, server):
    """What an earlier shard has is known from the receipt."""
    rows = [*ROWS, {"id": "d1", "text": "again"}, {"id": "late", "text": "POISON"}]
    work = job(corpus(*rows), **SMALL, max_quarantine=0.5)
    server.refuses = contains("POISON")
    vecmill.run(work)
    server.refuses = contains("no such mark")
    dataset = vecmill.run(work)
    assert dataset.manifest.reasons == {"duplicate id": 1}
    assert vecmill.verify(dataset.path).ok


def test_a_failed_dataset_of_an_older_version_is_gone_through_as_a_whole(job, corpus, server, tmp_path):
    """It kept no receipts; the vectors that it has are used again."""
    work = job(corpus(*ROWS), **SMALL)
    server.refuses = contains("Document 7 ", "Document 99 ", "Document 150 ")
    with pytest.raises(RunError):
        vecmill.run(work)
    shutil.rmtree(tmp_path / "out" / ".vecmill")
    server.refuses = contains("no such mark")
    server.asked.clear()
    dataset = vecmill.run(work)
    assert sum(server.asked) < 100
    assert dataset.account.documents_embedded == 200
    assert vecmill.verify(dataset.path).ok


def test_killed_while_refused_documents_are_tried_again_the_run_goes_on(job, corpus, server, tmp_path):
    """A shard that is made again already has its receipt; the others follow."""
    whole = vecmill.run(job(corpus(*ROWS), **SMALL, publish=[{"name": "parquet", "path": str(tmp_path / "whole")}]))
    work = job(corpus(*ROWS), **SMALL, max_quarantine=0.5)
    server.refuses = contains("Document 7 ", "Document 99 ", "Document 150 ")
    vecmill.run(work)
    server.refuses = contains("no such mark")

    def interrupt(event):
        if isinstance(event, ShardDone):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vecmill.run(work, interrupt)
    dataset = vecmill.run(work)
    assert (shards_of(dataset), dataset.account) == (shards_of(whole), whole.account)
    assert vecmill.verify(dataset.path).ok


def test_reused_vectors_are_still_counted_after_another_try(job, corpus, server, tmp_path):
    """What an earlier run gave is known from the receipt, also to a command without --since."""
    earlier = vecmill.run(job(corpus(*ROWS[:100]), publish=[{"name": "parquet", "path": str(tmp_path / "earlier")}]))
    work = job(corpus(*ROWS, name="more.jsonl"), **SMALL, max_quarantine=0.5)
    server.refuses = contains("Document 150 ")
    first = vecmill.run(work, since=earlier.path)
    assert first.manifest.reused.chunks == earlier.account.chunks
    server.refuses = contains("no such mark")
    assert vecmill.run(work).manifest.reused == first.manifest.reused


def test_shards_that_were_not_begun_have_not_failed():
    """A ceiling is no cause to mend: the one reason says what to do."""
    waiting = [ShardFailure(index=index, error="not begun: raise the ceiling", attempts=0) for index in (4, 5)]
    assert _describe_missing(waiting, 3, 9).splitlines() == [
        "5 of 9 shards were not begun; what is done is kept:",
        "  shards 4, 5: not begun: raise the ceiling",
    ]


@pytest.mark.parametrize(
    ("outcomes", "message"),
    [
        (lambda receipts: receipts[:-1], r"'inline' ended without an outcome for shard \d+: run the same"),
        (lambda receipts: receipts[2:], "'inline' ended without an outcome for shards 0, 1: run"),
        (lambda receipts: None, r"'inline' gave NoneType, not Iterable, at map\(\): report"),
        (lambda receipts: [receipts[0], None, receipts[2]], "'inline' yielded a NoneType, neither"),
        (
            lambda receipts: [receipts[0].model_copy(update={"run_id": "0" * 16}), *receipts[1:]],
            "its receipt is of other rows or options",
        ),
    ],
)
def test_a_runtime_that_breaks_its_protocol_is_named(job, corpus, monkeypatch, outcomes, message):
    """It returns fewer outcomes than tasks, something else, or another run's receipt; what is done is kept."""
    real = InlineRuntime.map
    monkeypatch.setattr(InlineRuntime, "map", lambda *arguments: outcomes(list(real(*arguments))))
    work = job(corpus(*ROWS[:60]), **SMALL)
    with pytest.raises((PluginError, RunError), match=message):
        vecmill.run(work)
    monkeypatch.setattr(InlineRuntime, "map", real)
    assert vecmill.run(work).account.documents_embedded == 60
