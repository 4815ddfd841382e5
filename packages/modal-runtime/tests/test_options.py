"""Options of the modal runtime: what Modal's client lets through is refused here."""

import json
import re
from pathlib import Path

import pytest

from doubles.tei import Behaviour
from doubles.tei.images import image
from vecmill.errors import ConfigError
from vecmill.plugins.registry import validate_options
from vecmill_modal_runtime.gpus import GPUS, PRICES_READ, image_prefix, price, runs_on
from vecmill_modal_runtime.images import tei_tag
from vecmill_modal_runtime.options import ModalOptions
from vecmill_modal_runtime.runtime import ModalRuntime


def checked(**values):
    """Validate as a job's [runtime] table is."""
    return validate_options(ModalRuntime, "runtime", values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gpu": "NOPE"}, "there is no GPU 'NOPE'"),
        ({"gpu": "a10h"}, "did you mean 'A10"),
        ({"gpu": "RTX PRO 6000"}, "did you mean 'RTX-PRO-6000'"),
        ({"gpu": "A100:2"}, "write 'A100', and raise max_containers"),
        ({"gpu": ["L4", "h100:8"]}, "write 'H100', and raise max_containers"),
        ({"gpu": "L4:"}, "write 'L4', and raise max_containers"),
        ({"gpu": "B200+"}, "Modal may give a B300 for it"),
        ({"gpu": "any"}, "name those that may be taken"),
        ({"gpu": ["L4", "l4"]}, "each kind stands once: L4, L4"),
        ({"gpu": ["L4", ""]}, "there is no GPU ''"),
        ({"gpu": 4}, "runtime.gpu"),
        ({"scaledown_window": 1}, "greater than or equal to 2"),
        ({"scaledown_window": 3601}, "less than or equal to 3600"),
        ({"cpu": 0.1}, "runtime.cpu"),
        ({"cpu": float("inf")}, "runtime.cpu"),
        ({"memory_gib": 0.01}, "runtime.memory_gib"),
        ({"max_cost_usd": float("inf")}, "runtime.max_cost_usd"),
        ({"max_cost_usd": float("nan")}, "runtime.max_cost_usd"),
        ({"max_batch_tokens": 0}, "runtime.max_batch_tokens"),
        ({"region": "us-est"}, "there is no region 'us-est'; did you mean 'us-"),
        ({"region": "europe"}, "there is no region 'europe'"),
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
        ({"bucket_secret": "keys"}, "runtime.bucket_secret: it means nothing without a bucket"),
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


@pytest.mark.parametrize(
    ("given", "gpus"),
    [
        ("L4", ("L4",)),
        ("l40s", ("L40S",)),
        ("h100!", ("H100!",)),
        (["A10G", "L4"], ("A10G", "L4")),
        ("", ()),
        (None, ()),
    ],
)
def test_gpus_are_one_or_several_or_none(given, gpus):
    """A name in any case, a list in order of preference, or processors alone."""
    assert checked(gpu=given).gpu == gpus


def test_every_kind_that_modal_has_is_there_or_refused_with_its_reason():
    """Those of Modal's guide; of none a job is told that it does not exist."""
    there = "T4 L4 A10 L40S A100 A100-40GB A100-80GB RTX-PRO-6000 H100 H100! H200 B200"
    assert [checked(gpu=name).gpu for name in there.split()] == [(name,) for name in there.split()]
    for name in ("B200+", "B300", "any"):
        with pytest.raises(ConfigError) as refused:
            checked(gpu=name)
        assert "there is no GPU" not in str(refused.value)


def test_a_container_may_wait_for_an_hour():
    """As long as Modal lets it."""
    assert checked(scaledown_window=3600).scaledown_window == 3600


@pytest.mark.parametrize(
    ("gpus", "prefix"),
    [
        ((), "cpu-"),
        (("T4",), "turing-"),
        (("A10G", "A10"), "86-"),
        (("L4", "L40S"), "89-"),
        (("A100-80GB",), ""),
        (("H100",), "hopper-"),
        (("H100!", "H200"), "hopper-"),
        (("B200",), "100-"),
        (("RTX-PRO-6000",), "120-"),
        (("A10G", "L4"), "86-"),
        (("L40S", "A10", "L4"), "86-"),
        (("A100", "L4"), ""),
        (("T4", "L4"), "cuda-"),
        (("A100", "H100"), "cuda-"),
    ],
)
def test_the_router_image_fits_the_gpu(gpus, prefix):
    """The narrowest build that runs on all of them; where none does, the image with a router for each."""
    assert image_prefix(gpus) == prefix
    assert tei_tag(gpus).endswith(f":{prefix}1.9.3")
    published = image(tei_tag(gpus))
    for name in gpus:
        capability = GPUS[name].capability
        assert runs_on(prefix, capability)
        misfits = [Behaviour(built_for=built, gpu=capability).misfit for built in published.routers.values()]
        assert not all(misfits)


def test_the_dearest_gpu_is_what_a_container_may_cost():
    """An estimate from above, cores and memory included, and what a region costs more."""
    assert price(("L4", "H100"), 4, 8) == pytest.approx(0.001097 + 4 * 0.0000131 + 8 * 0.00000222)
    assert price((), 1, 0) == pytest.approx(0.0000131)
    prices = [checked(region=region).price for region in (None, "us", "us-east")]
    assert prices == pytest.approx([prices[0], 1.5 * prices[0], 1.75 * prices[0]])


def test_the_docs_have_every_option_with_its_default():
    """Neither more nor fewer, and as the code has them."""
    page = (Path(__file__).parents[3] / "docs" / "modal.md").read_text(encoding="utf-8")
    table = page.partition("<!-- options -->")[2].partition("<!-- end of options -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", table, flags=re.MULTILINE)
    shown = {name: "" if default == "none" else json.loads(default.strip("`")) for name, default in rows}
    known = {name: "" if value is None else value for name, value in ModalOptions().model_dump(mode="json").items()}
    assert {**shown, "gpu": [shown["gpu"]]} == known


def test_the_docs_have_every_gpu_with_its_price_and_image():
    """And with the peak that an estimate rests on."""
    page = (Path(__file__).parents[3] / "docs" / "modal.md").read_text(encoding="utf-8")
    table = page.partition("<!-- gpus -->")[2].partition("<!-- end of gpus -->")[0]
    shown = {}
    for names, cost, tag, peak in re.findall(
        r"^\| (`.*?) \| ([\d.]+) \| (.*?) \| (\d+) \|$", table, flags=re.MULTILINE
    ):
        prefix = "" if tag == "no prefix" else tag.strip("`")
        shown |= dict.fromkeys(re.findall(r"`(.*?)`", names), (float(cost), prefix, float(peak)))
    assert shown == {name: (gpu.price, image_prefix((name,)), gpu.peak / 1e12) for name, gpu in GPUS.items()}
    assert PRICES_READ in page
