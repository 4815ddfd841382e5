"""The app: functions on Modal, and what the command line calls. ``modal run -m apps.wikipedia --limit 1000``."""

import shlex
import sys
import time

import modal

from apps.wikipedia import settings
from vecmill.errors import VecmillError
from vecmill_modal_runtime import fleet, volume
from vecmill_modal_runtime.driver import Driver
from vecmill_modal_runtime.images import cpu_image
from vecmill_modal_runtime.options import DAY
from vecmill_modal_runtime.shelf import open_dataset
from vecmill_modal_runtime.sources import fetch

options = settings.modal_options()
secrets = settings.secrets()
app = modal.App(settings.APP)

driver_image = cpu_image(settings.VOLUME, ("duckdb",), settings.PASSED_ON)
if modal.is_local():
    driver_image = driver_image.add_local_file(settings.JOB, settings.JOB_THERE)
on_driver = {"image": driver_image, "volumes": fleet.mounts(options, settings.VOLUME), "secrets": secrets}

equipped = app.cls(**fleet.equipment(options, settings.VOLUME, secrets))
Worker = fleet.enlist(equipped(fleet.worker_class(options)))


@app.function(**on_driver, timeout=3600, max_containers=20, retries=3)
def download(piece: str) -> str:
    """Fetch a file of the source to the Volume."""
    return fetch(piece)


@app.function(**on_driver, timeout=DAY, max_containers=1)
def embed(overrides: list[str]) -> dict:
    """Plan, embed, verify and publish; go on where an interrupted run was."""
    return Driver(options, download.map).embed(settings.job(overrides))


@app.function(**on_driver, timeout=DAY, schedule=modal.Cron(settings.CRON), max_containers=1)
def refresh() -> dict:
    """Do it again if the source has changed; otherwise end without a GPU."""
    job = settings.job(settings.REFRESH_SET)
    return Driver(options, download.map).refresh(job, settings.KEEP_RUNS)


@app.function(**on_driver, timeout=600)
def check(run: str = "") -> None:
    """Time opening the dataset from the Volume, and count its rows."""
    volume.reload()
    began = time.perf_counter()
    dataset = open_dataset(volume.RUNS, settings.NAME, run)
    rows = dataset.count_rows()
    print(f"{rows:,} rows in {len(dataset.files)} files, counted in {time.perf_counter() - began:.2f} s")


@app.function(**on_driver, timeout=3600)
def query(sql: str = "select count(*) as rows from dataset", run: str = "") -> None:
    """Run SQL over the dataset on the Volume; it is called ``dataset``."""
    import duckdb

    volume.reload()
    dataset = open_dataset(volume.RUNS, settings.NAME, run)
    print(duckdb.connect().register("dataset", dataset).sql(sql))


@app.local_entrypoint()
def main(limit: int = 0, gpus: int = 0, set: str = "") -> None:  # noqa: A002 - the option is called --set
    """Embed all of it, or a sample."""
    overrides = [*shlex.split(set)]
    overrides += [f"source.limit={limit}"] if limit else []
    overrides += [f"runtime.max_containers={gpus}"] if gpus else []
    try:
        settings.job(overrides)
        done = embed.remote(overrides)
    except VecmillError as error:
        sys.exit(f"vecmill: {error}")
    print("\n".join(f"{name}: {value}" for name, value in done.items()))
