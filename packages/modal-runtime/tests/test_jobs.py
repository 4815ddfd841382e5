"""Placing: a job for a laptop, as it runs on Modal; and what one run cannot change."""

from pathlib import Path
from typing import Any

import pytest

from vecmill import Job
from vecmill.errors import ConfigError
from vecmill_modal_runtime.jobs import FIXED, adapt_job, dataset_name, refuse_fixed, set_folder
from vecmill_modal_runtime.options import ModalOptions

KEYS: dict[str, Any] = {
    "source": {"name": "pydoc"},
    "embedder": {"name": "openvino", "model": "m"},
    "name": "reference",
}
PARQUET = {"name": "parquet", "path": "out/wiki"}


def job(**keys):
    """Return a job."""
    return Job(**{**KEYS, **keys})


@pytest.mark.parametrize(
    ("runtime", "precision", "found"),
    [
        ({"name": "modal"}, "auto", ("tei", "f16")),
        ({"name": "modal"}, "f32", ("tei", "f32")),
        ({"name": "local", "workers": 2}, "auto", ("tei", "f16")),
        ({"name": "modal", "gpu": ""}, "auto", ("openvino", "f32")),
        ({"name": "modal", "gpu": ""}, "bf16", ("openvino", "bf16")),
    ],
)
def test_a_gpu_is_fed_by_the_router(runtime, precision, found):
    """Without one OpenVINO embeds, in an arithmetic that every processor has."""
    embedder = {**KEYS["embedder"], "precision": precision}
    there = adapt_job(job(runtime=runtime, embedder=embedder))
    assert (there.embedder.name, there.embedder.options["precision"]) == found
    assert there.runtime.name == "modal"
    assert "workers" not in there.runtime.options


def test_the_dataset_is_on_the_volume_and_other_publishers_stay():
    """Its name is that of its folder, or the job's."""
    hub = {"name": "hub", "repo": "user/wiki"}
    there = set_folder(adapt_job(job(publish=[hub, PARQUET])), Path("/mnt/vecmill/runs/wiki-1"))
    assert [spec.name for spec in there.publish] == ["parquet", "hub"]
    assert there.publish[0].options == {"path": "/mnt/vecmill/runs/wiki-1"}
    assert dataset_name(job(publish=[hub, PARQUET])) == "wiki"
    assert dataset_name(job()) == "reference"


def test_a_router_without_a_gpu_is_refused_before_anything_is_sent():
    """The image without a GPU has none; a router elsewhere is another matter."""
    served = {"name": "tei", "model": "m"}
    with pytest.raises(ConfigError, match=r"runtime\.gpu names none: name one, or write embedder\.name = 'openvino'"):
        adapt_job(job(embedder=served, runtime={"name": "modal", "gpu": ""}))
    elsewhere = {**served, "url": "https://router.example"}
    assert adapt_job(job(embedder=elsewhere, runtime={"name": "modal", "gpu": ""})).embedder.name == "tei"


@pytest.mark.parametrize("precision", ["bf16", "fp32", "int8"])
@pytest.mark.parametrize("name", ["openvino", "tei"])
def test_an_arithmetic_that_the_router_does_not_have_is_refused(name, precision):
    """Rather than exchanged for half precision, of which nobody would hear."""
    embedder = {**KEYS["embedder"], "name": name, "precision": precision}
    with pytest.raises(ConfigError, match=f"embedder.precision = '{precision}', but the router computes in f16 or f32"):
        adapt_job(job(runtime={"name": "modal"}, embedder=embedder))


def test_two_folders_are_refused():
    """The second one would be lost with the container."""
    with pytest.raises(ConfigError, match="one folder"):
        adapt_job(job(publish=[PARQUET, PARQUET]))


@pytest.mark.parametrize("name", FIXED)
def test_an_option_of_the_app_is_refused_rather_than_passed_over(name):
    """With where to put it instead."""
    other = {"bucket": "b-c-d", "bucket_endpoint": "https://x", "bucket_secret": "s"}
    value = other.get(name, not ModalOptions().memory_snapshot if name == "memory_snapshot" else 7)
    asked = ModalOptions(**({"bucket": "b-c-d"} if name.startswith("bucket_") else {}), **{name: value})
    with pytest.raises(ConfigError, match=f"runtime.{name} = .*VECMILL_SET"):
        refuse_fixed(asked, ModalOptions())


def test_a_gpu_that_the_image_was_not_made_for_is_refused():
    """One that its router runs on is not; nor any where the image has a router for each."""
    refuse_fixed(ModalOptions(gpu="A10"), ModalOptions(gpu="A10G"))
    refuse_fixed(ModalOptions(gpu="L4"), ModalOptions(gpu="A10G"))
    refuse_fixed(ModalOptions(gpu="H200"), ModalOptions(gpu=("T4", "L4")))
    refuse_fixed(ModalOptions(gpu=("A10G", "L4")), ModalOptions(gpu=("A10G", "L4")))
    refuse_fixed(ModalOptions(max_containers=50, max_cost_usd=3), ModalOptions())
    for gpu in ("A100", "T4", "", ("A10G", "L4")):
        with pytest.raises(ConfigError, match=r"runtime\.gpu"):
            refuse_fixed(ModalOptions(gpu=gpu), ModalOptions(gpu="A10G"))
