"""Run: the whole job, from a corpus to a published dataset, and what it costs."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vecmill.errors import ConfigError, RunError
from vecmill.job import resume
from vecmill.job.finalize import REFUSED, Finish, judge
from vecmill.job.plan import plan, publishers_of
from vecmill.job.publish import check, deliver, directory
from vecmill.job.scheduler import Shards
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.plugins.registry import options as validate_options
from vecmill.protocols import Runtime
from vecmill.records import ComponentSpec, Dataset, DocumentsRetried, RunFinished, RunOptions, Spent
from vecmill.store.destination import clear, lock_folder, refuse_foreign_folder
from vecmill.store.files import remove_file
from vecmill.store.state import clear_sent, clear_state, clear_temporary, register_run, write_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vecmill.job.config import Job
    from vecmill.job.plan import Plan
    from vecmill.protocols import Launcher
    from vecmill.records import Manifest, RunEvent
    from vecmill.store.state import RunState


SECONDS = 10.0
"""Between two notes of what a run has cost: as much a killed command may forget."""


class CostNotes:
    """Writes down what a run has cost, by the events that say so."""

    def __init__(self, plan: Plan, state: RunState, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan, self._state, self._clock = plan, state, clock
        self._cost = state.cost
        self._last = clock()
        self._lock = threading.Lock()  # events come from any thread

    def take(self, event: RunEvent) -> None:
        """Note what an event says of the cost, and write it down if that was not done just now."""
        if isinstance(event, Spent):
            self._cost = event.cost
        if self._clock() - self._last >= SECONDS:
            self.save()

    def save(self) -> None:
        """Write it down, if it has changed; or if somebody has removed what was there, by which the run is known."""
        with self._lock:
            self._last = self._clock()
            cost = self._cost
            if cost != self._state.cost or not self._plan.layout.run.exists():
                self._state = self._state.model_copy(update={"cost": cost})
                write_state(self._plan.layout, self._state)


def run(
    job: Job,
    observe: Callable[[RunEvent], None] | None = None,
    *,
    overwrite: bool = False,
    since: str | Path | None = None,
    trust_vectors: bool = False,
) -> Dataset:
    """Run a job, or go on where an interrupted run of it was; a finished one is checked, and left alone if intact.

    Args:
        job: What to do.
        observe: Told of progress, beside the plugins that observe runs.
        overwrite: Replace another run in the output folder.
        since: An earlier dataset, its folder or its repo on the Hub: chunks that it has are not embedded again, but
            for a sample, whose vectors are compared.
        trust_vectors: Take the vectors of ``since`` without a comparison.

    Returns:
        The finished dataset.

    Raises:
        ConfigError: The job is wrong. Nothing was written.
        RunError: Shards failed, or more documents were set aside than the job allows. What was done is
            kept, and the same call goes on from there.
        VecmillError: The source, the model, the folder or a publisher failed; the message says which.
    """
    began = time.perf_counter()
    tell = _telling(observe)
    dataset = _run_by_launcher(job, tell, RunOptions(overwrite, since, trust_vectors))
    if dataset is not None:
        return dataset
    job.check()
    runtime = _runtime(job)
    publishers = publishers_of(job)
    lease = runtime.lease(directory(publishers, job.name))
    with lease or contextlib.nullcontext():
        plan_ = replace(plan(job, since, runtime, publishers), trust_vectors=trust_vectors, lease=lease)
        for publisher in publishers:
            publisher.report = tell
        refuse_foreign_folder(plan_.layout)
        check(publishers)
        with lock_folder(plan_.layout):
            manifest = _make_dataset(plan_, tell, began, overwrite=overwrite)
            judge(manifest, job.max_quarantine, plan_.layout)
            return Dataset(plan_.layout.root, manifest, _publish_dataset(plan_, manifest))


def _run_by_launcher(job: Job, tell: Callable[[RunEvent], None], options: RunOptions) -> Dataset | None:
    """Have the launcher that a job names take it away, and return its dataset; None where the job is to run here."""
    registered = load().registry.entries["launcher"].get(job.runtime.name)
    if registered is None:
        return None
    launcher: Launcher[Any] = registered.cls(validate_options(registered.cls, "runtime", job.runtime.options))
    if not launcher.is_needed():
        return None
    dataset = launcher.run(job, tell, options)
    _register(job, dataset.manifest)
    return dataset


def _runtime(job: Job) -> Runtime[Any]:
    runtime = build(load().registry, "runtime", job.runtime)
    if not isinstance(runtime, Runtime):
        raise ConfigError(
            f"runtime.name = {job.runtime.name!r} is a launcher, and this process is where it takes jobs, but no "
            "runtime has that name: let it give the job another runtime, such as 'local'"
        )
    return runtime


def _register(job: Job, manifest: Manifest) -> None:
    """Write down here that a run on other machines is this user's: the pins are its own, the places are the job's."""
    component = load().registry.get("embedder", job.embedder.name)
    pinned = {key: value for key, value in manifest.recipe["embedder"].items() if key not in {"name", "version"}}
    local = {key: value for key, value in job.embedder.options.items() if key in component.location}
    register_run(manifest.run_id, ComponentSpec(name=job.embedder.name, options={**pinned, **local}))


def _telling(observe: Callable[[RunEvent], None] | None) -> Callable[[RunEvent], None]:
    """Return what tells plugins and the caller of an event."""

    def tell(event: RunEvent) -> None:
        load().observe(event)
        if observe is not None:
            observe(event)

    return tell


def _publish_dataset(plan: Plan, manifest: Manifest) -> tuple[str, ...]:
    places = deliver(plan.publishers, plan.layout, manifest)
    clear_sent(plan.layout)
    return places


def _make_dataset(plan: Plan, tell: Callable[[RunEvent], None], began: float, *, overwrite: bool) -> Manifest:
    """Return the manifest of the finished dataset, whatever of it was there before."""
    try:
        if overwrite:
            resume.clear_other(plan)
        manifest = _whole(plan, tell, began)
    finally:
        clear_temporary(plan.layout)
    remove_file(plan.layout.mirror)  # what a run has made, or checked, is no copy
    tell(RunFinished(manifest, str(plan.layout.root)))
    return manifest


def _whole(plan: Plan, tell: Callable[[RunEvent], None], began: float) -> Manifest:
    manifest = resume.find_finished(plan)
    if manifest is None:
        return _complete(plan, tell, began)
    if resume.can_retry(plan, manifest):
        return _complete(plan, tell, began, manifest)
    broken = resume.find_damaged(plan, manifest)
    if len(broken) == len(plan.tasks):
        clear(plan.layout)
        return _complete(plan, tell, began)
    if REFUSED in manifest.reasons:
        tell(DocumentsRetried(manifest.reasons[REFUSED], 0, resume.explain_left_alone(plan)))
    return _repair_shards(plan, tell, manifest, broken)


def _complete(plan: Plan, tell: Callable[[RunEvent], None], began: float, before: Manifest | None = None) -> Manifest:
    """Finish a run; documents that the engine refused in earlier commands are tried again.

    Args:
        plan: The run.
        tell: Told of progress.
        began: When this command did.
        before: Its manifest, if it was finished without them.

    Raises:
        RunError: Shards failed.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    state = resume.begin_run(plan, before.timing.started if before else now)
    if before and state.cost is None:
        state = state.model_copy(update={"cost": before.cost})
    notes = CostNotes(plan, state)

    def notify(event: RunEvent) -> None:
        tell(event)
        notes.take(event)

    done = resume.receipts(plan)
    duplicates = {index: list(receipt.duplicates) for index, receipt in done.items()}
    again = [index for index in resume.list_intact(plan, before) if index not in done]
    shards = Shards(plan, notify, dict(done), (before.duplicates if before else {}) | duplicates, again)
    shards.cost = state.cost
    try:
        shards.do_all()
        error = shards.retry_refused(done)
        if before is None:
            shards.set_duplicates_aside()
    finally:
        notes.save()
    manifest = Finish(plan, shards).write(state.started, time.perf_counter() - began, before)
    if REFUSED not in manifest.reasons:
        clear_state(plan.layout)
    if error and manifest.status == "failed":
        raise RunError(error)
    return manifest


def _repair_shards(plan: Plan, tell: Callable[[RunEvent], None], manifest: Manifest, broken: list[int]) -> Manifest:
    """Do the damaged shards of a finished run again; the others stay as they are."""
    shards = Shards(plan, tell, {}, manifest.duplicates)
    shards.cost = manifest.cost
    shards.do(broken)
    resume.check_mended(plan, manifest, shards.receipts)
    manifest = Finish(plan, shards).mend(manifest)
    if REFUSED not in manifest.reasons:  # or else the version that wrote it can try them again
        clear_state(plan.layout)
    return manifest
