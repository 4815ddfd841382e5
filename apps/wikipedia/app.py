"""The app: functions on Modal, and what the command line calls. ``modal run -m apps.wikipedia --limit 1000``."""

import shlex
import sys
import time

import modal

from apps.wikipedia import settings
from apps.wikipedia.driver import drive, open_dataset
from vecmill.errors import VecmillError
from vecmill_modal_runtime import fleet
from vecmill_modal_runtime.images import cpu_image, tei_image
from vecmill_modal_runtime.options import DAY
from vecmill_modal_runtime.sources import fetch
from vecmill_modal_runtime.volume import MOUNT, volume
from vecmill_modal_runtime.worker import ShardWorker

options = settings.modal_options()
app = modal.App(settings.APP)
disk = volume(settings.VOLUME)
secrets = [modal.Secret.from_name(settings.HUB_SECRET)] if settings.HUB_SECRET else []


driver_image = cpu_image(settings.VOLUME, ("duckdb",), settings.PASSED_ON)
if modal.is_local():
    driver_image = driver_image.add_local_file(settings.JOB, settings.JOB_THERE)
worker_image = tei_image(options.gpu, settings.VOLUME) if options.gpu else cpu_image(settings.VOLUME)

Worker = fleet.enlist(
    app.cls(
        image=worker_image,
        gpu=list(options.gpu) if len(options.gpu) > 1 else next(iter(options.gpu), None),
        cpu=options.cpu,
        memory=int(options.memory_gib * 1024),
        volumes={str(MOUNT): disk},
        secrets=secrets,
        max_containers=options.max_containers,
        min_containers=options.min_containers,
        scaledown_window=options.scaledown_window,
        timeout=options.timeout_s,
        startup_timeout=options.startup_timeout_s,
        retries=modal.Retries(max_retries=2, initial_delay=1.0),
        region=options.region,
        enable_memory_snapshot=options.memory_snapshot,
    )(modal.concurrent(max_inputs=options.concurrency)(ShardWorker))
)

on_driver = {"image": driver_image, "volumes": {str(MOUNT): disk}, "secrets": secrets}


@app.function(**on_driver, timeout=3600, max_containers=20, retries=3)
def download(piece: str) -> str:
    """Fetch a file of the source to the Volume."""
    return fetch(piece)


@app.function(**on_driver, timeout=DAY, max_containers=1)
def embed(overrides: list[str]) -> dict:
    """Plan, embed, verify and publish; go on where an interrupted run was."""
    return drive(settings.job(overrides), download.map)


@app.function(**on_driver, timeout=DAY, schedule=modal.Cron(settings.CRON), max_containers=1)
def refresh() -> dict:
    """Do it again if the source has changed; otherwise end without a GPU."""
    return drive(settings.job(), download.map)


@app.function(**on_driver, timeout=600)
def check() -> None:
    """Time opening the dataset from the Volume, and count its rows."""
    began = time.perf_counter()
    dataset = open_dataset(settings.job())
    rows = dataset.count_rows()
    print(f"{rows:,} rows in {len(dataset.files)} files, counted in {time.perf_counter() - began:.2f} s")


@app.function(**on_driver, timeout=3600)
def query(sql: str = "select count(*) as rows from dataset") -> None:
    """Run SQL over the dataset on the Volume; it is called ``dataset``."""
    import duckdb

    print(duckdb.connect().register("dataset", open_dataset(settings.job())).sql(sql))


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
