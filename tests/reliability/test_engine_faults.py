"""Whole runs, by the command, against a router that misbehaves: a complete dataset, or one clear sentence."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from doubles.tei import MODEL, RouterDouble
from reliability.small_job import JOB

DOCUMENTS = 150
PASSING = ("busy", "unhealthy", "failed", "reset", "cut", "slow", "truncated", "html", "narrow", "missing", "extra")
STORM = {"rates": dict.fromkeys(PASSING, 0.03) | {"busy": 0.1}, "slow_s": 2}
OPENING = ["too_large", "invalid", *[None] * 24]
"""A 413 and a 422 for a whole request; later neither, for one that meets a text alone is a word about that text."""


@pytest.fixture(scope="module")
def shared():
    """One router for all."""
    with RouterDouble(MODEL, vectors="random") as router:
        yield router


@pytest.fixture
def job(tmp_path):
    """Make a job over small documents and a router; the local runtime's two workers share its shards."""
    corpus = tmp_path / "corpus.jsonl"
    rows = [{"id": f"d{n}", "text": f"Document-{n}. Some words about the number {n}. " * 2} for n in range(DOCUMENTS)]
    corpus.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def make(url, **options):
        settings = {"name": "tei", "model": MODEL, "url": url, "timeout_s": 1, "wait_s": 60} | options
        embedder = "\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
        path = tmp_path / "job.toml"
        batching = '[batching]\nname = "fixed"\nsize = 2\n\n[embedder]'
        text = JOB.format(corpus=corpus, embedder=embedder, target_mb=0.1, out=tmp_path / "out")
        path.write_text(text.replace("[embedder]", batching))
        return path

    return make


def run(vecmill, job, *options, code=0):
    """Run a job; return the manifest, or what was said."""
    done = vecmill("run", job, "--json", "-q", *options, code=code)
    return json.loads(done.stdout) if code == 0 else done.stderr


def complete(manifest, out, bad=0):
    """Check a dataset's account against the corpus."""
    account = manifest["account"]
    assert (account["documents_in"], account["documents_quarantined"]) == (DOCUMENTS, bad)
    ids = pq.read_table(out / "data", columns=["id"])["id"].unique()
    assert len(ids) == account["documents_embedded"] == DOCUMENTS - bad


@pytest.mark.fault(
    "engine",
    "a storm: 429, 503, 424, 413, 422, resets, cut connections, slow answers, truncated JSON, HTML for JSON, "
    "vectors too narrow, too few, too many",
    promise="Each request is sent again, smaller where that helps; the dataset is complete, and nothing is "
    "quarantined.",
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_ends_in_a_complete_dataset(vecmill, shared, job, tmp_path, seed):
    """A third of all answers is wrong, in every way there is."""
    shared.behave(script=OPENING, seed=seed, **STORM)
    manifest = run(vecmill, job(shared.url), "--set", "runtime.attempts=30")
    complete(manifest, tmp_path / "out")
    happened = {name for name, count in shared.metrics().items() if "fault=" in name and count}
    assert len(happened) >= 6, happened
    vecmill("verify", tmp_path / "out")


@pytest.mark.fault(
    "engine",
    "the router dies every N requests",
    promise="The worker waits for it and sends again what it had not answered; the dataset is complete.",
)
def test_a_router_that_keeps_dying_is_outlived(vecmill, job, tmp_path):
    """Started again each time, at the same address."""
    with RouterDouble(MODEL, restart=True, vectors="random", die_every=40) as router:
        complete(run(vecmill, job(router.url, attempts=30, max_in_flight=2)), tmp_path / "out")
        assert router.starts > 1


@pytest.mark.fault(
    "engine",
    "one text of a batch is refused (422), fails the model each time (424), gets null for NaN, or a vector of zeros",
    promise="The batch is split down to that text. Its document alone is quarantined, with the reason.",
)
def test_bad_texts_alone_are_set_aside(vecmill, shared, job, tmp_path):
    """Four bad texts in four ways, in one run."""
    shared.behave(refuse="Document-70.", nan="Document-31.", zero="Document-122.", fail="Document-97.")
    complete(run(vecmill, job(shared.url), "--set", "max_quarantine=0.1"), tmp_path / "out", bad=4)
    bad = pq.read_table(tmp_path / "out" / "quarantine.parquet").to_pylist()
    assert [(row["id"], row["reason"]) for row in bad] == [(f"d{n}", "not embedded") for n in (31, 70, 97, 122)]
    details = ("not finite", "422 tokenizer error", "the model failed: 424", "the vector is zero")
    for row, detail in zip(bad, details, strict=True):
        assert detail in row["detail"]
    vecmill("verify", tmp_path / "out")


@pytest.mark.fault(
    "engine",
    "any of these that lasts; a router that is never ready",
    promise="The run fails with one message, which states what the router did and how often it was tried.",
)
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("busy", "has no room: 429 Model is overloaded; waited"),
        ("narrow", "answer makes no sense: vectors of [1532] bytes"),
        ("never ready", "no connection to http://127.0.0.1:"),
    ],
)
def test_a_fault_that_stays_is_one_clear_message(vecmill, shared, job, tmp_path, fault, message):
    """Exit 1, no traceback, no dataset."""
    options = ("--set", "runtime.attempts=1", "--set", "shards.target_mb=1")
    if fault == "never ready":
        with RouterDouble(MODEL, wait=False, never_ready=True) as router:
            errors = run(vecmill, job(router.url, wait_s=0.2), *options, code=1)
    else:
        shared.behave(rates={fault: 1.0})
        errors = run(vecmill, job(shared.url, wait_s=0.2, attempts=2, timeout_s=60), *options, code=1)
    assert message in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.fault(
    "engine",
    "a router that refuses every text, or whose vectors are not of unit length",
    promise="Workers send it a few dozen texts and make no second attempt; the message quotes the router once, no "
    "document is quarantined, and the same command continues when the router is repaired.",
)
@pytest.mark.parametrize(
    ("behaviour", "words"), [({"refuse": " "}, "422 tokenizer error"), ({"scale": 2}, "the vector has length 2.0000")]
)
def test_a_router_that_serves_no_text_is_at_fault(vecmill, shared, job, tmp_path, behaviour, words):
    """In processes of their own, with shards of a few texts."""
    shared.behave(**behaviour)
    path = job(shared.url)
    errors = run(vecmill, path, code=1)
    assert errors.count(words) == 1
    assert "the engine refuses every text" in errors
    assert shared.metrics()["te_request_count"] < 200
    shared.behave()
    complete(run(vecmill, path), tmp_path / "out")
