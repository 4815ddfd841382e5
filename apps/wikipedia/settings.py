"""Settings: which job is deployed, and when it runs. Each may be set by a variable when it is deployed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modal

from vecmill import Job
from vecmill.errors import ConfigError
from vecmill.plugins.build import options
from vecmill_modal_runtime.runtime import ModalRuntime
from vecmill_modal_runtime.volume import RUNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vecmill_modal_runtime.options import ModalOptions

HERE = Path(__file__).parent
APP = os.environ.get("VECMILL_APP", "vecmill-wikipedia")
VOLUME = os.environ.get("VECMILL_VOLUME", "vecmill")
JOB_THERE = "/root/deployed-job.toml"
JOB = (
    Path(os.environ.get("VECMILL_JOB", HERE / "job.toml"))
    if modal.is_local()
    else HERE.parents[1] / "deployed-job.toml"
)
SET = json.loads(os.environ.get("VECMILL_SET", "[]"))
"""Changes to the job, as a JSON list: ``["runtime.gpu=L4", "embedder.model=…"]``."""
CRON = os.environ.get("VECMILL_CRON", "0 4 3 * *")
HUB_SECRET = os.environ.get("VECMILL_HUB_SECRET", "")
"""The Modal Secret with ``HF_TOKEN``, for publishing to the Hub and for gated models."""
PASSED_ON = {
    "VECMILL_APP": APP,
    "VECMILL_SET": json.dumps(SET),
    "VECMILL_CRON": CRON,
    "VECMILL_HUB_SECRET": HUB_SECRET,
}
"""What containers must be told, so that they see the same app."""


def job(overrides: Iterable[str] = ()) -> Job:
    """Return the job as it runs on Modal: made on the Volume, embedded by the router where there are GPUs."""
    written = Job.load(JOB, [*SET, *overrides])
    runtime = options(ModalRuntime, "runtime", written.runtime.options)
    changes: list[str] = []
    if runtime.gpu and written.embedder.name == "openvino":
        precision = "f32" if written.embedder.options.get("precision") == "f32" else "f16"
        changes += ['embedder.name="tei"', f'embedder.precision="{precision}"']
    first = next((i for i, spec in enumerate(written.publish) if spec.name == "parquet"), None)
    if first is None:
        raise SystemExit("vecmill: the job needs a [[publish]] with name = 'parquet': the dataset is made there")
    folder = RUNS / Path(str(written.publish[first].options["path"])).name
    changes.append(f'publish.{first}.path="{folder}"')
    return Job.load(JOB, [*SET, *overrides, *changes])


def modal_options() -> ModalOptions:
    """Return the runtime's options as deployed; a run may change those that are not part of the image."""
    try:
        checked: Any = options(ModalRuntime, "runtime", Job.load(JOB, SET).runtime.options)
    except ConfigError as error:  # Modal's command would show where in its own code it came by
        raise SystemExit(f"vecmill: {error}") from None
    return checked  # type: ignore[no-any-return]
