"""Settings: which job is deployed, and when it runs. Each may be set by a variable when it is deployed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import modal

from vecmill import Job
from vecmill.errors import ConfigError
from vecmill_modal_runtime.app import read_cron, report_errors
from vecmill_modal_runtime.budget import expect_cost, require_ceiling
from vecmill_modal_runtime.images import PYTHON, collect_payload, refuse_unpackaged
from vecmill_modal_runtime.jobs import adapt_job, dataset_name, refuse_fixed, runtime_options
from vecmill_modal_runtime.webhook import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vecmill_modal_runtime.options import ModalOptions


def _changes(variable: str, default: list[str]) -> list[str]:
    """Read changes to the job from a variable."""
    try:
        changes = json.loads(os.environ.get(variable, json.dumps(default)))
    except ValueError:
        changes = None
    with report_errors():
        if not isinstance(changes, list) or not all(isinstance(change, str) for change in changes):
            raise ConfigError(f'{variable} must be a JSON list of changes, such as ["runtime.gpu=L4"]')
    return changes


def _count(variable: str, default: str) -> int:
    """Read a number from a variable."""
    given = os.environ.get(variable, default)
    with report_errors():
        if not given.isdecimal():
            raise ConfigError(f"{variable} must be a whole number, not {given!r}")
    return int(given)


def _name(variable: str, default: str) -> str:
    """Read the name of something of Modal's from a variable."""
    given = os.environ.get(variable, default)
    with report_errors():
        if not NAMES.fullmatch(given):
            raise ConfigError(
                f"{variable} must be 1 to {LONGEST_NAME} letters, digits, '-', '_' and '.', as Modal's names are, not "
                f"{given!r}"
            )
    return given


LONGEST_NAME = 55
"""A name of Modal's has 64 characters, and names made of this one have an ending."""
NAMES = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST_NAME}}}")
HERE = Path(__file__).parent
APP = _name("VECMILL_APP", "vecmill-wikipedia")
VOLUME = _name("VECMILL_VOLUME", "vecmill")
JOB_THERE = "/root/deployed-job.toml"
JOB = (
    Path(os.environ.get("VECMILL_JOB", HERE / "job.toml"))
    if modal.is_local()
    else HERE.parents[1] / "deployed-job.toml"
)
SET = _changes("VECMILL_SET", [])
"""Changes to the job, as a JSON list: ``["runtime.gpu=L4", "embedder.model=…"]``."""
with report_errors():
    CRON = read_cron(os.environ.get("VECMILL_CRON", "0 4 3 * *"), "VECMILL_CRON")
MONTHLY = ["source.repo=omarkamali/wikipedia-monthly", "source.config=latest.en", "source.revision=main"]
"""The snapshot in ``job.toml`` does not change; this dataset follows Wikipedia."""
REFRESH_SET = _changes("VECMILL_REFRESH_SET", [] if "VECMILL_JOB" in os.environ else MONTHLY)
"""Further changes for the schedule's runs."""
KEEP_RUNS = _count("VECMILL_KEEP_RUNS", "2")
"""How many revisions of the schedule's dataset stay on the Volume; 0 for all."""
HUB_SECRET = os.environ.get("VECMILL_HUB_SECRET", "")
"""The Modal Secret with ``HF_TOKEN``, for publishing to the Hub and for gated models."""
WEBHOOK_SECRET = os.environ.get("VECMILL_WEBHOOK_SECRET", "")
"""The Modal Secret with ``VECMILL_WEBHOOK_URL``, which gets a report of a run that failed."""
PASSED_ON = {
    "VECMILL_APP": APP,
    "VECMILL_SET": json.dumps(SET),
    "VECMILL_CRON": CRON.proto_message.cron.cron_string,
    "VECMILL_REFRESH_SET": json.dumps(REFRESH_SET),
    "VECMILL_KEEP_RUNS": str(KEEP_RUNS),
    "VECMILL_HUB_SECRET": HUB_SECRET,
    "VECMILL_WEBHOOK_SECRET": WEBHOOK_SECRET,
}
"""What containers must know, so that they see the same app."""


def job(overrides: Iterable[str] = ()) -> Job:
    """Return the job as it runs on Modal.

    Raises:
        ConfigError: It names a component that is not installed, or a wrong option, or one that is part of the app.
    """
    found = adapt_job(Job.load(JOB, [*SET, *overrides]))
    found.check()
    if modal.is_local():
        refuse_unpackaged(found)
    refuse_fixed(runtime_options(found), runtime_options(_load_deployed()))
    return found


def modal_options() -> ModalOptions:
    """Return the runtime's options as deployed; a run may change those that are not part of the app."""
    with report_errors():
        return runtime_options(_load_deployed())


def secrets() -> list[modal.Secret]:
    """Return the Secret with the Hub's token, if one is named."""
    if HUB_SECRET:
        return [modal.Secret.from_name(HUB_SECRET, required_keys=["HF_TOKEN"])]
    with report_errors():
        if any(spec.name == "hub" for spec in _load_deployed().publish):
            raise ConfigError(
                "the job publishes to the Hub, and no Modal Secret with the token is named. Make one, "
                "`modal secret create huggingface HF_TOKEN=hf_…`, and set VECMILL_HUB_SECRET=huggingface"
            )
    return []


def webhook() -> list[modal.Secret]:
    """Return the Secret with the address that gets reports of failures, if one is named."""
    return [modal.Secret.from_name(WEBHOOK_SECRET, required_keys=[VARIABLE])] if WEBHOOK_SECRET else []


def show(done: Mapping[str, object]) -> None:
    """Print what a run came to."""
    print("\n".join(f"{name}: {value}" for name, value in done.items()))


def _load_deployed() -> Job:
    return Job.load(JOB, SET)


def _is_deploying() -> bool:
    """Whether this is ``modal deploy``: from then on runs begin by themselves, and nobody is asked."""
    command = click.get_current_context(silent=True)
    return command is not None and command.info_name == "deploy"


with report_errors():
    NAME = dataset_name(_load_deployed())
    if modal.is_local():  # before an image is built or a file is sent
        for changes in ([], REFRESH_SET):
            job(changes)
        collect_payload(PYTHON)
        if _is_deploying():
            scheduled = job(REFRESH_SET)
            require_ceiling(runtime_options(scheduled), lambda: expect_cost(scheduled))
"""What the dataset is called on the Volume."""
