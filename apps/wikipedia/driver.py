"""The driver: what happens in the one container that plans, accounts and publishes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from vecmill import run
from vecmill.errors import RunError
from vecmill.plugins import load
from vecmill.plugins.build import build
from vecmill.records import RunStarted, ShardDone, ShardFailed, ShardRetried
from vecmill.store.verify import verify
from vecmill_modal_runtime import weights
from vecmill_modal_runtime.sources import localized
from vecmill_modal_runtime.volume import commit, reload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyarrow.dataset import Dataset

    from vecmill import Job
    from vecmill.records import RunEvent


def drive(job: Job, download: Callable[[list[str]], Iterable[Any]]) -> dict[str, Any]:
    """Run a job on the Volume and verify what it made.

    Args:
        job: What to do.
        download: Fetches files of the source to the Volume, many at once.

    Returns:
        Counts, times, and where the dataset is.

    Raises:
        VecmillError: The run failed; what was done is kept, and the same call goes on from there.
    """
    began = time.perf_counter()
    reload()
    job = job.model_copy(update={"source": localized(job.source, download)})
    pinned = build(load().registry, "embedder", job.embedder).pinned()
    weights.keep(pinned.model, pinned.revision)
    try:
        dataset = run(job, _narrator())
        checked = verify(dataset.path)
    finally:
        commit()
    if not checked.ok:
        raise RunError(f"{dataset.path} is not sound: {checked.faults[0].path}: {checked.faults[0].problem}")
    account = dataset.manifest.account
    return {
        "dataset": str(dataset.path),
        "run": dataset.manifest.run_id,
        "published": ", ".join(dataset.published),
        "documents": account.documents_embedded,
        "set aside": account.documents_quarantined,
        "chunks": account.chunks,
        "characters": account.characters,
        "shards": len(dataset.manifest.shards),
        "verified": "yes",
        "seconds": round(time.perf_counter() - began, 1),
    }


def open_dataset(job: Job) -> Dataset:
    """Open what a job made, on the Volume."""
    from pyarrow.dataset import dataset

    path = next(spec.options["path"] for spec in job.publish if spec.name == "parquet")
    return dataset(f"{path}/data", format="parquet")


def _narrator() -> Callable[[RunEvent], None]:
    state = {"done": 0, "shards": 0, "characters": 0, "began": time.perf_counter()}

    def tell(event: RunEvent) -> None:
        if isinstance(event, RunStarted):
            state.update(done=event.done, shards=event.shards)
            print(f"{event.shards} shards, {event.done} done already", flush=True)
        elif isinstance(event, ShardDone):
            state["done"] += 1
            state["characters"] += event.receipt.account.characters
            rate = state["characters"] / (time.perf_counter() - state["began"])
            print(f"shard {event.receipt.index}: {state['done']}/{state['shards']} done, {rate:,.0f} characters/s")
        elif isinstance(event, ShardRetried):
            print(f"shard {event.shard} is tried again: {event.error}", flush=True)
        elif isinstance(event, ShardFailed):
            print(f"shard {event.failure.index} failed: {event.failure.error}", flush=True)

    return tell
