"""Jobs: a job as it runs on Modal, whatever machine it was written for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecmill.errors import ConfigError
from vecmill.records import ComponentSpec
from vecmill.runtimes import check_options
from vecmill_modal_runtime.gpus import GPUS, image_prefix, runs_on
from vecmill_modal_runtime.options import NAME
from vecmill_modal_runtime.router import check_precision

if TYPE_CHECKING:
    from vecmill import Job
    from vecmill_modal_runtime.options import ModalOptions

FIXED = (
    "bucket",
    "bucket_endpoint",
    "bucket_secret",
    "concurrency",
    "memory_snapshot",
    "startup_timeout_s",
)
"""Options that a deployment fixes; a run may choose the others."""


def runtime_options(job: Job) -> ModalOptions:
    """Return the options of the ``modal`` runtime; the defaults for a job that names another.

    Raises:
        ConfigError: One is wrong.
    """
    chosen = job.runtime.options if job.runtime.name == NAME else {}
    checked: Any = check_options("runtime", ComponentSpec(name=NAME, options=chosen))
    return checked  # type: ignore[no-any-return]


def dataset_name(job: Job) -> str:
    """Return what a job's dataset is called: its folder's last part, or the job's own name."""
    paths = [str(spec.options.get("path", "")) for spec in job.publish if spec.name == "parquet"]
    return Path(paths[0]).name if paths and Path(paths[0]).name else job.name


def adapt_job(job: Job) -> Job:
    """Return a job as it runs on Modal: by the router where there are GPUs, and its dataset on the Volume.

    Raises:
        ConfigError: An option of the runtime is wrong, the dataset is to be in two folders, or there is no router, or
            none that computes in the precision that is asked for.
    """
    chosen = runtime_options(job)
    if is_served(job.embedder):
        check_router(chosen)
    others = [spec for spec in job.publish if spec.name != "parquet"]
    if len(job.publish) - len(others) > 1:
        raise ConfigError("publish: on Modal the dataset is in one folder, of the Volume: keep one 'parquet' publisher")
    there = ComponentSpec(name="parquet", options={"path": dataset_name(job)})
    runtime = ComponentSpec(name=NAME, options=chosen.model_dump(mode="json"))
    embedder = _embedder(job.embedder, chosen)
    if is_served(embedder):
        check_precision(embedder.options.get("precision") or "f16")
    changes = {"embedder": embedder, "runtime": runtime, "publish": [there, *others]}
    return job.model_copy(update=changes)


def set_folder(job: Job, folder: Path) -> Job:
    """Return an adapted job with its dataset in a folder."""
    there = ComponentSpec(name="parquet", options={"path": str(folder)})
    return job.model_copy(update={"publish": [there, *job.publish[1:]]})


def is_served(embedder: ComponentSpec) -> bool:
    """Whether an embedder is the router next to the worker, rather than one with an address."""
    return embedder.name == "tei" and not embedder.options.get("url")


def check_router(options: ModalOptions) -> None:
    """Refuse to search for a router where the image has none.

    Raises:
        ConfigError: The job asks for no GPU.
    """
    if not options.gpu:
        raise ConfigError(
            "embedder.name = 'tei' without a url is the router next to a GPU, and runtime.gpu names none: name one, or "
            "write embedder.name = 'openvino'"
        )


def refuse_fixed(asked: ModalOptions, deployed: ModalOptions) -> None:
    """Refuse options that a run cannot change, rather than ignore them.

    Raises:
        ConfigError: Names them.
    """
    wrong = [name for name in FIXED if getattr(asked, name) != getattr(deployed, name)]
    if asked.gpu != deployed.gpu and not _one_that_runs(asked.gpu, image_prefix(deployed.gpu)):
        wrong.append("gpu")
    if asked.region is None and deployed.region is not None:
        wrong.append("region")
    if wrong:
        named = ", ".join(f"runtime.{name} = {getattr(asked, name)!r}" for name in wrong)
        raise ConfigError(
            f"{named}: this is part of the app as it was started and cannot be changed for one run. Put it "
            "into the job file, or into VECMILL_SET when you start or deploy the app: "
            f"VECMILL_SET='[\"runtime.{wrong[0]}=…\"]' modal deploy -m apps.wikipedia"
        )


def _embedder(spec: ComponentSpec, chosen: ModalOptions) -> ComponentSpec:
    if spec.name != "openvino":
        return spec
    precision = spec.options.get("precision", "auto")
    if not chosen.gpu:
        # which arithmetic a processor has depends on the machine that Modal finds
        return spec.model_copy(update={"options": {**spec.options, "precision": _or(precision, "f32")}})
    return ComponentSpec(name="tei", options={**spec.options, "precision": _or(precision, "f16")})


def _or(precision: str, known: str) -> str:
    return known if precision == "auto" else precision


def _one_that_runs(gpus: tuple[str, ...], prefix: str) -> bool:
    """Whether a run may ask for these instead: Modal takes one kind for it, and the image must have its router."""
    return len(gpus) == 1 and runs_on(prefix, GPUS[gpus[0]].capability)
