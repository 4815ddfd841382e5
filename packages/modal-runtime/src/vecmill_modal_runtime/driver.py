"""Driver: what happens in the one container that plans, accounts, verifies and publishes."""

from __future__ import annotations

import functools
import re
import time
from typing import TYPE_CHECKING, Any

from vecmill import run
from vecmill.errors import ConfigError, ReuseError, RunError, StoreError
from vecmill.job.publish import check
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.store.files import finished_manifest
from vecmill.store.layout import Layout
from vecmill.store.verify import verify
from vecmill.worker.embedding import name_embedder_errors
from vecmill_modal_runtime import weights
from vecmill_modal_runtime.ceiling import expect_cost, require_ceiling
from vecmill_modal_runtime.leases import hold_lease
from vecmill_modal_runtime.placing import dataset_name, made_in, refuse_fixed, runtime_options
from vecmill_modal_runtime.progress import report_progress
from vecmill_modal_runtime.releases import ReleaseIndex, edition, record
from vecmill_modal_runtime.sources import localize_source
from vecmill_modal_runtime.status import watch_run
from vecmill_modal_runtime.volume import RUNS, commit, ending_with, on_volume, reload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from vecmill import Job
    from vecmill.records import ComponentSpec, Dataset, Manifest, RunEvent
    from vecmill_modal_runtime.options import ModalOptions
    from vecmill_modal_runtime.releases import Release, ReleaseMetadata
    from vecmill_modal_runtime.status import Watch

PINNED = re.compile(r"[0-9a-f]{40}|sha256:.+")


class Driver:
    """Makes editions of a dataset on the Volume.

    Args:
        deployed: The options of the app as it was started.
        download: Fetches files of the source to the Volume, many at once.
        say: Takes lines for the log.
    """

    def __init__(
        self,
        deployed: ModalOptions,
        download: Callable[[list[str]], Iterable[Any]],
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._deployed = deployed
        self._download = download
        self._say = say or functools.partial(print, flush=True)  # a container's log is a pipe

    def refresh(self, job: Job, keep_runs: int = 0) -> dict[str, Any]:
        """Make a new edition if the source or the recipe has changed, and remove the oldest.

        An edition that is finished is taken as it is: no file is read again.

        Args:
            job: What to do, placed on Modal.
            keep_runs: Revisions that stay, the new one included; 0 for all.
        """
        with watch_run("refresh", self._say) as watch:
            return self._refresh(job, keep_runs, watch)

    def _refresh(self, job: Job, keep_runs: int, watch: Watch) -> dict[str, Any]:
        job, wanted, shelf = self._look(job, watch)
        if known := shelf.find_unchanged(wanted, _elsewhere(job)):
            self._say(f"{wanted.folder} is finished and its source is unchanged: nothing to do")
            shelf.add(known)
            watch.update(**_figures(finished_manifest(Layout(shelf.root / known.folder))))
            done = _describe_release(known, shelf)
        else:
            done = self._make_release(job, wanted, shelf, watch)
        self._prune(shelf, keep_runs)
        commit()
        return done

    def embed(self, job: Job, *, trust_vectors: bool = False) -> dict[str, Any]:
        """Make an edition, go on with it where an interrupted run was, or check the files of a finished one.

        Args:
            job: What to do, placed on Modal.
            trust_vectors: Take vectors of the edition before without embedding a sample of them again.

        Returns:
            Counts, times, cost, and where the dataset is.

        Raises:
            VecmillError: The run failed; what was done is kept, and the same call goes on from there.
        """
        with watch_run("embed", self._say) as watch:
            return self._make_release(*self._look(job, watch), watch, trust_vectors=trust_vectors)

    def _look(self, job: Job, watch: Watch) -> tuple[Job, Release, ReleaseIndex]:
        options = runtime_options(job)
        watch.begin(dataset_name(job), "", options)
        refuse_fixed(options, self._deployed)
        reload()
        name = dataset_name(job)
        job = job.model_copy(update={"embedder": _pin_model(job.embedder)})
        wanted = edition(name, job)
        watch.begin(name, wanted.folder, options)
        return job.model_copy(update={"source": wanted.source}), wanted, ReleaseIndex(RUNS, name)

    def _make_release(
        self, job: Job, wanted: Release, shelf: ReleaseIndex, watch: Watch, *, trust_vectors: bool = False
    ) -> dict[str, Any]:
        began = time.perf_counter()
        _may_publish(job)
        if not shelf.find_unchanged(wanted, _elsewhere(job)):
            require_ceiling(runtime_options(job), lambda: expect_cost(job))
        with hold_lease(on_volume(RUNS / wanted.folder), watch.status.by, self._say), ending_with(commit):
            reload()  # what the run before this one did
            job = made_in(job, RUNS / wanted.folder)
            job = job.model_copy(update={"source": localize_source(job.source, self._download)})
            if model := job.embedder.options.get("model"):
                weights.keep(model, job.embedder.options.get("revision"))
            with report_progress(self._say, note=lambda figures: watch.update(**figures)) as observe:
                dataset = self._run(job, observe, _earlier(wanted, shelf), trust_vectors=trust_vectors)
            _sound(dataset)
            finished = record(wanted, job, dataset)
            shelf.add(finished)
            watch.update(**_figures(dataset.manifest))
        seconds = time.perf_counter() - began
        return {**_describe_release(finished, shelf), "verified": "yes", **_account(dataset, seconds)}

    def _prune(self, shelf: ReleaseIndex, keep_runs: int) -> None:
        for old in shelf.list_outdated(keep_runs):
            try:
                with hold_lease(on_volume(RUNS / old.folder), "removal", self._say):
                    shelf.remove(old)
                    commit()
            except StoreError as error:
                self._say(f"{old.folder} stays for now: {error}")
            else:
                self._say(f"removed {old.folder}")

    def _run(
        self, job: Job, observe: Callable[[RunEvent], None], earlier: Path | None, *, trust_vectors: bool
    ) -> Dataset:
        """Run a job. No earlier edition is a reason for a schedule to fail.

        If another version of vecmill made it, or its vectors are not those that the model gives, all is embedded.
        """
        if earlier is not None:
            try:
                return run(job, observe, since=earlier, trust_vectors=trust_vectors)
            except ConfigError as error:
                self._say(f"vectors of {earlier.name} are not used again: {error}")
            except RunError as error:
                if not str(error).startswith(ReuseError.HEAD):
                    raise
                self._say(f"vectors of {earlier.name} are not used again, all is embedded: {error}")
        return run(job, observe)


def _earlier(wanted: Release, shelf: ReleaseIndex) -> Path | None:
    """Return the current edition, if it differs in its source alone: what has not changed is not paid for again."""
    now = shelf.current
    if now is None or now.recipe != wanted.recipe or now.folder == wanted.folder:
        return None
    return shelf.root / now.folder


def _pin_model(spec: ComponentSpec) -> ComponentSpec:
    """Find out which commit of the model is meant, unless the job says it."""
    if PINNED.fullmatch(spec.options.get("revision") or "") or not spec.options.get("model"):
        return spec
    embedder = build(load().registry, "embedder", spec)
    with name_embedder_errors(embedder, "pinned()"):
        revision = getattr(embedder.pinned(), "revision", None)
    return spec.model_copy(update={"options": {**spec.options, "revision": revision}})


def _may_publish(job: Job) -> None:
    """Ask the publishers before anything is downloaded or paid for."""
    check(build(load().registry, "publisher", spec) for spec in _elsewhere(job))


def _elsewhere(job: Job) -> list[ComponentSpec]:
    return job.publish[1:]


def _sound(dataset: Dataset) -> None:
    checked = verify(dataset.path)
    if not checked.ok:
        raise RunError(f"{dataset.path} is not sound: {checked.faults[0].path}: {checked.faults[0].problem}")


def _describe_release(finished: ReleaseMetadata, shelf: ReleaseIndex) -> dict[str, Any]:
    return {
        "dataset": str(shelf.root / finished.folder),
        "run": finished.run_id,
        "published": ", ".join(finished.published) or "no",
        "documents": finished.documents,
        "chunks": finished.chunks,
    }


def _figures(manifest: Manifest) -> dict[str, Any]:
    """Return what a status says of a finished edition; its cost is that of all commands that worked on it."""
    account = manifest.account
    return {
        "shards": len(manifest.shards),
        "shards_done": len(manifest.shards),
        "documents": account.documents_in,
        "chunks": account.chunks,
        "cost_usd": round(manifest.cost.estimate, 4) if manifest.cost else 0.0,
    }


def _account(dataset: Dataset, seconds: float) -> dict[str, Any]:
    account, cost = dataset.account, dataset.manifest.cost
    return {
        "set aside": account.documents_quarantined,
        "characters": account.characters,
        "shards": len(dataset.manifest.shards),
        "seconds": round(seconds, 1),
        "cost": str(cost) if cost else "nothing",
    }
