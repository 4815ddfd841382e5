"""Every fault of a router ends in a complete dataset, or in one clear sentence."""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow.parquet as pq
import pytest

from doubles.tei import MODEL, RouterDouble
from vecmill import run, verify
from vecmill.errors import RunError

DOCUMENTS = 120


def rows(dataset):
    """Return a dataset's rows."""
    return pq.read_table(dataset.path / "data").to_pylist()


def check_complete(dataset):
    """Check that every document is there, and each text has the vector that the router has for it."""
    verify(dataset.path)
    assert dataset.manifest.account.documents_embedded == DOCUMENTS
    table = np.random.default_rng(0).normal(size=(4096, 384)).astype(np.float32)
    for row in rows(dataset):
        expected = table[zlib.crc32(row["text"].encode()) % 4096]
        assert np.dot(row["embedding"], expected / np.linalg.norm(expected)) > 0.9999


TRANSIENT = ("busy", "unhealthy", "failed", "too_large", "invalid", "reset", "cut")
MISSHAPEN = ("truncated", "html", "narrow", "missing", "extra")


@pytest.mark.fault(
    "engine",
    "any one of them, once, on either route",
    promise="The request is sent again; every text has its own vector.",
)
@pytest.mark.parametrize(
    ("fault", "route"),
    [*((fault, "openai-base64") for fault in TRANSIENT + MISSHAPEN), *((fault, "embed") for fault in MISSHAPEN)],
)
def test_a_fault_that_passes_leaves_no_trace(router, job, fault, route):
    """Two requests in a row go wrong, and later one more: the dataset is complete, nothing is set aside."""
    router.behave(script=[None, fault, fault, None, None, None, fault])
    check_complete(run(job(router.url, route=route)))
    assert router.metrics()[f'te_double_faults{{fault="{fault}"}}'] == 3


@pytest.mark.fault(
    "engine",
    "an answer takes longer than timeout_s",
    promise="The request is sent again.",
)
def test_a_slow_answer_is_asked_for_again(router, job):
    """An answer that takes longer than the job allows is not waited for."""
    router.behave(script=["slow"], slow_s=60)
    check_complete(run(job(router.url, timeout_s=0.5)))
    assert router.metrics()["te_request_count"] > DOCUMENTS / 8


@pytest.mark.parametrize("seed", [1, 3])
def test_a_storm_of_everything_is_survived(router, job, seed):
    """A third of all requests goes wrong, in every way there is."""
    faults = ("busy", "unhealthy", "failed", "too_large", "invalid", "reset", "cut", "truncated", "narrow", "missing")
    router.behave(rates=dict.fromkeys(faults, 0.03) | {"busy": 0.1}, seed=seed)
    check_complete(run(job(router.url, max_in_flight=4)))


@pytest.mark.fault(
    "engine",
    "any one of them, permanently",
    promise="The shard fails after its attempts, or at once if all texts get the same answer; the message states "
    "what the router did, and how often it was tried.",
)
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("busy", r"has no room: 429 Model is overloaded; waited \d+ s"),
        ("unhealthy", r"is not there: 503 unhealthy; waited \d+ s"),
        ("failed", r"model failed: 424 Backend error.*; tried 3 times"),
        ("reset", r"connection broke: .*; tried 4 times"),
        ("slow", r"connection broke: no answer in time.*; tried 4 times"),
        ("truncated", r"makes no sense: not JSON.*; tried 3 times"),
        ("html", r"makes no sense: the content type is 'text/html.*; tried 3 times"),
        ("narrow", r"makes no sense: vectors of \[1532\] bytes; the model makes 384 numbers.*; tried 3 times"),
        ("missing", r"makes no sense: \d vectors came back for \d texts; tried 3 times"),
    ],
)
def test_a_fault_that_stays_ends_the_run_with_its_reason(router, job, fault, message):
    """The shard fails; the message says what the router did, and how often it was tried."""
    router.behave(rates={fault: 1.0}, slow_s=60)
    with pytest.raises(RunError, match=message):
        run(job(router.url, attempts=4, wait_s=0.2, timeout_s=0.2 if fault == "slow" else 60))


@pytest.mark.parametrize(
    ("spoil", "detail"),
    [
        ("refuse", "422 tokenizer error"),
        ("fail", "the model failed: 424 Backend error"),
        ("nan", "the vector is not finite"),
        ("zero", "the vector is zero"),
    ],
)
@pytest.mark.parametrize("route", ["openai-base64", "embed"])
def test_a_bad_text_alone_is_set_aside(router, job, spoil, detail, route):
    """A batch with one bad text is split down to it; its document is quarantined with the reason, no other is."""
    router.behave(**{spoil: "Document 77 "})
    dataset = run(job(router.url, route=route))
    (bad,) = pq.read_table(dataset.path / "quarantine.parquet").to_pylist()
    assert (bad["id"], bad["reason"]) == ("77", "not embedded")
    assert detail in bad["detail"]
    assert dataset.manifest.account.documents_embedded == DOCUMENTS - 1


def test_a_router_that_dies_is_waited_for(job):
    """The process ends at every tenth request and is started again: the run outlives it."""
    with RouterDouble(MODEL, restart=True, vectors="random", die_every=10) as router:
        check_complete(run(job(router.url, attempts=10, max_in_flight=2, wait_s=60)))
        assert router.starts > 1


@pytest.mark.fault(
    "engine",
    "the router still loads when the run begins",
    promise="The worker waits for it.",
)
def test_a_router_that_still_loads_is_waited_for(job):
    """The run may begin before the router's port is open."""
    with RouterDouble(MODEL, wait=False, vectors="random") as router:
        check_complete(run(job(router.url)))


def test_a_router_that_never_gets_ready_ends_the_run(job):
    """The port does not open; the message says where it was looked for."""
    with (
        RouterDouble(MODEL, wait=False, vectors="random", never_ready=True) as router,
        pytest.raises(RunError) as caught,
    ):
        run(job(router.url, wait_s=0.5))
    assert f"no connection to {router.url}" in str(caught.value)


@pytest.mark.fault(
    "engine",
    "the router accepts few texts at a time",
    promise="The worker reads its limits first and keeps to them: it never has to refuse.",
)
def test_a_small_router_is_not_asked_for_more_than_it_takes(job):
    """One that takes 5 texts at a time in requests of 3 never has to refuse: its limits are kept from the start."""
    flags = ("--max-concurrent-requests", "5", "--max-client-batch-size", "3")
    with RouterDouble(MODEL, *flags, vectors="random") as router:
        check_complete(run(job(router.url)))
        assert router.metrics()['te_request_failure{err="overloaded"}'] == 0


@pytest.mark.fault(
    "engine",
    "other runs use the same router",
    promise="They share its capacity; each is complete.",
)
def test_runs_that_share_a_router_make_room_for_each_other(job):
    """Three runs think they have 8 permits each where there are 8 in all: each ends complete."""
    with (
        RouterDouble(MODEL, "--max-concurrent-requests", "8", vectors="random") as router,
        ThreadPoolExecutor(3) as pool,
    ):
        for dataset in pool.map(run, [job(router.url, out=f"out{n}") for n in range(3)]):
            check_complete(dataset)


def test_a_key_comes_from_the_environment(job, monkeypatch):
    """Without it the run ends at once and says which variable; with it, the dataset holds no trace of it."""
    monkeypatch.delenv("VECMILL_TEI_API_KEY", raising=False)
    with RouterDouble(MODEL, "--api-key", "canary-7351", vectors="random") as router:
        with pytest.raises(RunError, match="VECMILL_TEI_API_KEY"):
            run(job(router.url))
        monkeypatch.setenv("VECMILL_TEI_API_KEY", "canary-7351")
        dataset = run(job(router.url))
    check_complete(dataset)
    assert not any(b"canary-7351" in path.read_bytes() for path in dataset.path.rglob("*") if path.is_file())


@pytest.mark.fault(
    "engine",
    "the router computes another kind of vector than the job asks for",
    promise="Refused before the first text.",
)
def test_a_router_with_another_pooling_is_refused(job):
    """Its vectors would be of another kind; nothing is embedded."""
    with RouterDouble(MODEL, "--pooling", "cls", vectors="random") as router:
        with pytest.raises(RunError, match="pools by cls, and the job asks for mean"):
            run(job(router.url))
        assert router.metrics()["te_request_count"] == 0


@pytest.mark.fault(
    "engine",
    "a text is longer than the router takes",
    promise="Its document is quarantined with the reason; a text is never cut silently.",
)
@pytest.mark.parametrize("route", ["openai-base64", "embed"])
def test_a_router_never_cuts_a_text_in_silence(job, route):
    """One that adds a prompt of its own, and cuts what that makes too long, is found out by a text and refused."""
    with (
        RouterDouble(MODEL, "--default-prompt", "word " * 220, vectors="random") as router,
        pytest.raises(RunError, match=r"reads 235 tokens in a text that has 15 .*without --default-prompt"),
    ):
        run(job(router.url, route=route))


def test_a_server_without_info_will_do(router, job, monkeypatch):
    """Any server with OpenAI's route serves, at an address that comes from the environment."""
    router.behave(no_info=True)
    monkeypatch.setenv("VECMILL_TEI_URL", router.url)
    check_complete(run(job(None)))


def test_a_server_that_wants_the_models_name_is_sent_it(router, job):
    """As it calls the model itself; a name that is not the server's ends the run with the server's words."""
    router.behave(no_info=True, models=["their-name-for-it"])
    check_complete(run(job(router.url)))
    router.behave(no_info=True, models=["one", "two"])
    with pytest.raises(
        RunError, match=r"the models 'one', 'two', and it is not clear which of them is .*embedder\.served_model"
    ):
        run(job(router.url, out="unclear"))
    check_complete(run(job(router.url, out="unclear", served_model="two")))
    with pytest.raises(RunError, match=r"model `three` does not exist.*embedder\.served_model"):
        run(job(router.url, out="wrong", served_model="three"))


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [({"refuse": "Document"}, "422 tokenizer error"), ({"scale": 2.0}, r"the vector has length 2\.0000, not 1")],
)
def test_a_router_that_serves_no_text_is_told_from_bad_texts(router, job, behaviour, words):
    """In a few dozen requests, with its own words; when it is mended, the same command makes the dataset."""
    router.behave(**behaviour)
    with pytest.raises(RunError, match=rf"accepted none; the last message was: .*{words}"):
        run(job(router.url))
    assert router.metrics()["te_request_count"] <= 100
    router.behave()
    check_complete(run(job(router.url)))
