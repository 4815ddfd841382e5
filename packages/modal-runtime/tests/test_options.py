"""Options of the modal runtime: what Modal's client lets through is refused here."""

import json
import re
from pathlib import Path

import pytest

from vecmill.errors import ConfigError
from vecmill.plugins.build import options
from vecmill_modal_runtime.gpus import image_prefix, price
from vecmill_modal_runtime.images import tei_tag
from vecmill_modal_runtime.options import ModalOptions
from vecmill_modal_runtime.runtime import ModalRuntime


def checked(**values):
    """Validate as a job's [runtime] table is."""
    return options(ModalRuntime, "runtime", values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gpu": "NOPE"}, "there is no GPU 'NOPE'"),
        ({"gpu": "a10g"}, "did you mean 'A10G'"),
        ({"gpu": ["A10G", "H10"]}, "there is no GPU 'H10'"),
        ({"timeout_s": 86_401}, "less than or equal to 86400"),
        ({"timeout_s": 0}, "greater than or equal to 1"),
        ({"startup_timeout_s": 0}, "runtime.startup_timeout_s"),
        ({"max_containers": 0}, "runtime.max_containers"),
        ({"max_cost_usd": 0}, "runtime.max_cost_usd"),
        ({"gpus": 3}, "did you mean 'gpu'"),
        # Modal warms the class without its parameters, and a run's containers are those with parameters
        ({"min_containers": 1}, "runtime.min_containers: modal would keep containers warm, .* do no shard"),
        ({"bucket": "No Bucket"}, "runtime.bucket"),
        ({"bucket": "corpora", "bucket_endpoint": "http://plain"}, "runtime.bucket_endpoint"),
        ({"bucket_secret": "keys"}, "runtime.bucket_secret: it says nothing without a bucket"),
    ],
)
def test_a_wrong_option_is_refused_by_name(values, message):
    """GPU names, times out of range, counts below one, unknown keys."""
    with pytest.raises(ConfigError, match=message):
        checked(**values)


def test_defaults_are_modest():
    """One kind of GPU, ten containers, an hour for a shard."""
    found = checked()
    assert (found.gpu, found.max_containers, found.timeout_s, found.max_cost_usd) == (("A10G",), 10, 3600, None)


@pytest.mark.parametrize(("given", "gpus"), [("L4", ("L4",)), (["A10G", "L4"], ("A10G", "L4")), ("", ()), (None, ())])
def test_gpus_are_one_or_several_or_none(given, gpus):
    """A name, a list in order of preference, or processors alone."""
    assert checked(gpu=given).gpu == gpus


@pytest.mark.parametrize(
    ("gpus", "prefix"),
    [
        ((), "cpu-"),
        (("T4",), "turing-"),
        (("A10G", "A10"), "86-"),
        (("L4", "L40S"), "89-"),
        (("A100-80GB",), ""),
        (("H100",), "hopper-"),
        (("A10G", "L4"), "cuda-"),
    ],
)
def test_the_router_image_fits_the_gpu(gpus, prefix):
    """Each kind has a tag of its own; for a mixture there is one that runs on all."""
    assert image_prefix(gpus) == prefix
    assert tei_tag(gpus).endswith(f":{prefix}1.9.3")


def test_the_dearest_gpu_is_what_a_container_may_cost():
    """An estimate from above, cores and memory included."""
    assert price(("L4", "H100"), 4, 8) == pytest.approx(0.001097 + 4 * 0.0000131 + 8 * 0.00000222)
    assert price((), 1, 0) == pytest.approx(0.0000131)


def test_the_docs_have_every_option_with_its_default():
    """Neither more nor fewer, and as the code has them."""
    page = (Path(__file__).parents[3] / "docs" / "modal.md").read_text(encoding="utf-8")
    table = page.partition("<!-- options -->")[2].partition("<!-- end of options -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", table, flags=re.MULTILINE)
    shown = {name: "" if default == "none" else json.loads(default.strip("`")) for name, default in rows}
    known = {name: "" if value is None else value for name, value in ModalOptions().model_dump(mode="json").items()}
    assert {**shown, "gpu": [shown["gpu"]]} == known
