"""The app: functions on Modal, and what ``modal run -m apps.wikipedia --limit 1000 --max-cost 1`` calls."""

import shlex
from typing import Any

import modal

from apps.wikipedia import settings
from vecmill.errors import ConfigError, VecmillError
from vecmill_modal_runtime.app import answer, mounts, register, report_errors, unwrap_answer
from vecmill_modal_runtime.driver import Driver
from vecmill_modal_runtime.images import cpu_image
from vecmill_modal_runtime.options import DAY
from vecmill_modal_runtime.sources import fetch

options = settings.modal_options()
secrets = settings.secrets()
app = modal.App(settings.APP)

driver_image = cpu_image(settings.VOLUME, ("duckdb",), settings.PASSED_ON)
if modal.is_local():
    driver_image = driver_image.add_local_file(settings.JOB, settings.JOB_THERE)
on_driver: dict[str, Any] = {
    "image": driver_image,
    "volumes": mounts(options, settings.VOLUME),
    "secrets": secrets,
}
on_watch: dict[str, Any] = {**on_driver, "secrets": [*secrets, *settings.webhook()]}

Worker = register(app, options, settings.VOLUME, secrets)


@app.function(**on_driver, timeout=3600, max_containers=20, retries=3)
def download(piece: str) -> str:
    """Fetch a file of the source to the Volume."""
    return fetch(piece)


@app.function(**on_watch, timeout=DAY, max_containers=1)
def embed(overrides: list[str], *, for_command: bool = False) -> dict[str, Any] | VecmillError:
    """Plan, embed, verify and publish; go on where an interrupted run was."""

    def work() -> dict[str, Any]:
        return Driver(options, download.map).embed(settings.job(overrides))

    return answer(work) if for_command else work()


@app.function(**on_watch, timeout=DAY, schedule=settings.CRON, max_containers=1)
def refresh(*, for_command: bool = False) -> dict[str, Any] | VecmillError:
    """Do it again if the source has changed; otherwise end without a GPU."""

    def work() -> dict[str, Any]:
        job = settings.job(settings.REFRESH_SET)
        return Driver(options, download.map).refresh(job, settings.KEEP_RUNS)

    return answer(work) if for_command else work()


@app.local_entrypoint()
def main(limit: int = 0, gpus: int = 0, max_cost: str = "", set: str = "") -> None:  # noqa: A002 - it is called --set
    """Embed all of it, or a sample, for at most so many dollars (or "none": whatever it costs)."""
    with report_errors():
        overrides = _split(set)
        overrides += [f"source.limit={limit}"] if limit else []
        overrides += [f"runtime.max_containers={gpus}"] if gpus else []
        overrides += [f"runtime.max_cost_usd={max_cost}"] if max_cost else []
        settings.job(overrides)
        settings.show(unwrap_answer(embed.remote(overrides, for_command=True)))


def _split(changes: str) -> list[str]:
    try:
        return shlex.split(changes)
    except ValueError as error:
        raise ConfigError(f"--set {changes}: {error}") from error
