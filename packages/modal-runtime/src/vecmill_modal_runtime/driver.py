"""Driver: what happens in the one container that plans, accounts, verifies and publishes."""

from __future__ import annotations

import functools
import re
import time
from typing import TYPE_CHECKING, Any

from vecmill import open_dataset, run, verify
from vecmill.errors import ConfigError, ReuseError, RunError, StoreError
from vecmill.runtimes import check_publishers, pin_embedder
from vecmill_modal_runtime.budget import expect_cost, require_ceiling
from vecmill_modal_runtime.jobs import dataset_name, refuse_fixed, runtime_options, set_folder
from vecmill_modal_runtime.leases import hold_lease
from vecmill_modal_runtime.releases import ReleaseIndex, describe_release, find_release
from vecmill_modal_runtime.sources import localize_source
from vecmill_modal_runtime.status import report_progress, watch_run
from vecmill_modal_runtime.volume import RUNS, commit, ending_with, on_volume, reload, store_model

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
    """Makes releases of a dataset on the Volume.

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
        """Make a new release if the source or the recipe has changed, and remove the oldest.

        A release that is finished is taken as it is: no file is read again.

        Args:
            job: What to do, placed on Modal.
            keep_runs: Revisions that stay, the new one included; 0 for all.
        """
        with watch_run("refresh", self._say) as watch:
            return self._refresh(job, keep_runs, watch)

    def _refresh(self, job: Job, keep_runs: int, watch: Watch) -> dict[str, Any]:
        job, wanted, index = self._find_release(job, watch)
        if known := index.find_unchanged(wanted, _other_publishers(job)):
            self._say(f"{wanted.folder} is finished and its source is unchanged: nothing to do")
            index.add(known)
            watch.update(**_figures(open_dataset(index.root / known.folder).manifest))
            done = _describe_result(known, index)
        else:
            done = self._make_release(job, wanted, index, watch)
        self._prune(index, keep_runs)
        commit()
        return done

    def embed(self, job: Job, *, trust_vectors: bool = False) -> dict[str, Any]:
        """Make a release, go on with it where an interrupted run was, or check the files of a finished one.

        Args:
            job: What to do, placed on Modal.
            trust_vectors: Take vectors of the release before without embedding a sample of them again.

        Returns:
            Counts, times, cost, and where the dataset is.

        Raises:
            VecmillError: The run failed; what was done is kept, and the same call goes on from there.
        """
        with watch_run("embed", self._say) as watch:
            return self._make_release(*self._find_release(job, watch), watch, trust_vectors=trust_vectors)

    def _find_release(self, job: Job, watch: Watch) -> tuple[Job, Release, ReleaseIndex]:
        options = runtime_options(job)
        watch.begin(dataset_name(job), "", options)
        refuse_fixed(options, self._deployed)
        reload()
        name = dataset_name(job)
        job = job.model_copy(update={"embedder": _pin_model(job.embedder)})
        wanted = find_release(name, job)
        watch.begin(name, wanted.folder, options)
        return job.model_copy(update={"source": wanted.source}), wanted, ReleaseIndex(RUNS, name)

    def _make_release(
        self, job: Job, wanted: Release, index: ReleaseIndex, watch: Watch, *, trust_vectors: bool = False
    ) -> dict[str, Any]:
        began = time.perf_counter()
        check_publishers(_other_publishers(job))  # before anything is downloaded or paid for
        if not index.find_unchanged(wanted, _other_publishers(job)):
            require_ceiling(runtime_options(job), lambda: expect_cost(job))
        with hold_lease(on_volume(RUNS / wanted.folder), watch.status.by, self._say), ending_with(commit):
            reload()  # what the run before this one did
            job = set_folder(job, RUNS / wanted.folder)
            job = job.model_copy(update={"source": localize_source(job.source, self._download)})
            if model := job.embedder.options.get("model"):
                store_model(model, job.embedder.options.get("revision"))
            with report_progress(self._say, note=lambda figures: watch.update(**figures)) as observe:
                dataset = self._run(job, observe, _earlier(wanted, index), trust_vectors=trust_vectors)
            _check(dataset)
            finished = describe_release(wanted, job, dataset)
            index.add(finished)
            watch.update(**_figures(dataset.manifest))
        seconds = time.perf_counter() - began
        return {**_describe_result(finished, index), "verified": "yes", **_account(dataset, seconds)}

    def _prune(self, index: ReleaseIndex, keep_runs: int) -> None:
        for old in index.list_outdated(keep_runs):
            try:
                with hold_lease(on_volume(RUNS / old.folder), "removal", self._say):
                    index.remove(old)
                    commit()
            except StoreError as error:
                self._say(f"{old.folder} stays for now: {error}")
            else:
                self._say(f"removed {old.folder}")

    def _run(
        self, job: Job, observe: Callable[[RunEvent], None], earlier: Path | None, *, trust_vectors: bool
    ) -> Dataset:
        """Run a job. No earlier release is a reason for a schedule to fail.

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


def _earlier(wanted: Release, index: ReleaseIndex) -> Path | None:
    """Return the current release, if it differs in its source alone: what has not changed is not paid for again."""
    now = index.current
    if now is None or now.recipe != wanted.recipe or now.folder == wanted.folder:
        return None
    return index.root / now.folder


def _pin_model(spec: ComponentSpec) -> ComponentSpec:
    """Find out which commit of the model is meant, unless the job says it."""
    if PINNED.fullmatch(spec.options.get("revision") or "") or not spec.options.get("model"):
        return spec
    revision = getattr(pin_embedder(spec), "revision", None)
    return spec.model_copy(update={"options": {**spec.options, "revision": revision}})


def _other_publishers(job: Job) -> list[ComponentSpec]:
    """Return the publishers besides the folder on the Volume, which is the first."""
    return job.publish[1:]


def _check(dataset: Dataset) -> None:
    checked = verify(dataset.path)
    if not checked.ok:
        raise RunError(f"{dataset.path} is not valid: {checked.faults[0].path}: {checked.faults[0].problem}")


def _describe_result(finished: ReleaseMetadata, index: ReleaseIndex) -> dict[str, Any]:
    return {
        "dataset": str(index.root / finished.folder),
        "run": finished.run_id,
        "published": ", ".join(finished.published) or "no",
        "documents": finished.documents,
        "chunks": finished.chunks,
    }


def _figures(manifest: Manifest) -> dict[str, Any]:
    """Return what a status says of a finished release; its cost is that of all commands that worked on it."""
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
        "quarantined": account.documents_quarantined,
        "characters": account.characters,
        "shards": len(dataset.manifest.shards),
        "seconds": round(seconds, 1),
        "cost": str(cost) if cost else "nothing",
    }
