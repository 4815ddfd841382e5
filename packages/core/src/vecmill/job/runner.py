"""Run: a job from its corpus to a published dataset, and what it costs."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vecmill.errors import ConfigError, RunError, check_result
from vecmill.job import resume
from vecmill.job.plan import build_publishers, plan
from vecmill.job.publish import REFUSED, Finish, check_publishers, deliver, find_directory, judge
from vecmill.job.scheduler import Shards
from vecmill.plugins import load
from vecmill.plugins.registry import build, validate_options
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
"""Between two notes of what a run has cost; a killed command loses the cost since the last one."""


class CostNotes:
    """Saves what a run has cost, which events report."""

    def __init__(self, plan: Plan, state: RunState, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan, self._state, self._clock = plan, state, clock
        self._cost = state.cost
        self._last = clock()
        self._lock = threading.Lock()  # events come from any thread

    def take(self, event: RunEvent) -> None:
        """Take the cost from an event, and save it if that was not done just now."""
        if isinstance(event, Spent):
            self._cost = event.cost
        if self._clock() - self._last >= SECONDS:
            self.save()

    def save(self) -> None:
        """Save the cost if it has changed, or if the file that identifies the run was removed."""
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
    """Run a job, or resume an interrupted run of it; a finished one is checked, and left alone if intact.

    Args:
        job: What to do.
        observe: Called with each event, as the plugins that observe runs are.
        overwrite: Replace another run in the output folder.
        since: An earlier dataset, its folder or its repo on the Hub: chunks that it has are not embedded again,
            except for a sample, whose vectors are compared.
        trust_vectors: Take the vectors of ``since`` without a comparison.

    Returns:
        The finished dataset.

    Raises:
        ConfigError: The job is wrong. Nothing was written.
        RunError: Shards failed, or more documents were quarantined than the job allows. Finished shards stay, and
            the same call resumes.
        VecmillError: The source, the model, the folder or a publisher failed; the message says which.
    """
    began = time.perf_counter()
    notify = _make_notifier(observe)
    dataset = _run_by_launcher(job, notify, RunOptions(overwrite, since, trust_vectors))
    if dataset is not None:
        return dataset
    job.check()
    runtime = _build_runtime(job)
    publishers = build_publishers(job)
    lease = runtime.lease(find_directory(publishers, job.name))
    with lease or contextlib.nullcontext():
        plan_ = replace(plan(job, since, runtime, publishers), trust_vectors=trust_vectors, lease=lease)
        for publisher in publishers:
            publisher.report = notify
        refuse_foreign_folder(plan_.layout)
        check_publishers(publishers)
        with lock_folder(plan_.layout):
            manifest = _make_dataset(plan_, notify, began, overwrite=overwrite)
            judge(manifest, job.max_quarantine, plan_.layout)
            return Dataset(plan_.layout.root, manifest, _publish_dataset(plan_, manifest))


def _run_by_launcher(job: Job, notify: Callable[[RunEvent], None], options: RunOptions) -> Dataset | None:
    """Give a job to the launcher that it names, and return its dataset; None if the job is to run here."""
    registry, name = load().registry, job.runtime.name
    if name not in registry.entries["launcher"]:
        return None
    cls = registry.get("launcher", name)
    launcher: Launcher[Any] = cls(validate_options(cls, "runtime", job.runtime.options))
    if not launcher.is_needed():
        return None
    dataset = check_result(launcher.run(job, notify, options), Dataset, "launcher", name, "run()")
    _register(job, dataset.manifest)
    return dataset


def _build_runtime(job: Job) -> Runtime[Any]:
    runtime = build(load().registry, "runtime", job.runtime)
    if not isinstance(runtime, Runtime):
        raise ConfigError(
            f"runtime.name = {job.runtime.name!r} is a launcher, and this process is where it takes jobs, but no "
            "runtime has that name: let it give the job another runtime, such as 'local'"
        )
    return runtime


def _register(job: Job, manifest: Manifest) -> None:
    """Register a run of other machines as this user's: with the pins of its manifest and the locations of the job."""
    component = load().registry.get("embedder", job.embedder.name)
    pinned = {key: value for key, value in manifest.recipe["embedder"].items() if key not in {"name", "version"}}
    local = {key: value for key, value in job.embedder.options.items() if key in component.location}
    register_run(manifest.run_id, ComponentSpec(name=job.embedder.name, options={**pinned, **local}))


def _make_notifier(observe: Callable[[RunEvent], None] | None) -> Callable[[RunEvent], None]:
    """Return a function that passes an event to plugins and the caller."""

    def notify(event: RunEvent) -> None:
        load().observe(event)
        if observe is not None:
            observe(event)

    return notify


def _publish_dataset(plan: Plan, manifest: Manifest) -> tuple[str, ...]:
    locations = deliver(plan.publishers, plan.layout, manifest)
    clear_sent(plan.layout)
    return locations


def _make_dataset(plan: Plan, notify: Callable[[RunEvent], None], began: float, *, overwrite: bool) -> Manifest:
    """Finish the dataset, whatever of it exists, and return its manifest."""
    try:
        if overwrite:
            resume.clear_other(plan)
        manifest = _finish_run(plan, notify, began)
    finally:
        clear_temporary(plan.layout)
    remove_file(plan.layout.mirror)  # a folder that a run has made or checked is no copy
    notify(RunFinished(manifest, str(plan.layout.root)))
    return manifest


def _finish_run(plan: Plan, notify: Callable[[RunEvent], None], began: float) -> Manifest:
    manifest = resume.find_finished(plan)
    if manifest is None:
        return _complete(plan, notify, began)
    if resume.can_retry(plan, manifest):
        return _complete(plan, notify, began, manifest)
    damaged = resume.find_damaged(plan, manifest)
    if len(damaged) == len(plan.tasks):
        clear(plan.layout)
        return _complete(plan, notify, began)
    if REFUSED in manifest.reasons:
        notify(DocumentsRetried(manifest.reasons[REFUSED], 0, resume.explain_left_alone(plan)))
    return _repair_shards(plan, notify, manifest, damaged)


def _complete(plan: Plan, notify: Callable[[RunEvent], None], began: float, before: Manifest | None = None) -> Manifest:
    """Finish a run; documents that the engine refused in earlier commands are tried again.

    Args:
        plan: The run.
        notify: Called with each event.
        began: When this command began, of ``time.perf_counter``.
        before: Its manifest, if it was finished without them.

    Raises:
        RunError: Shards failed.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    state = resume.begin_run(plan, before.timing.started if before else now)
    if before and state.cost is None:
        state = state.model_copy(update={"cost": before.cost})
    notes = CostNotes(plan, state)

    def note_and_notify(event: RunEvent) -> None:
        notify(event)
        notes.take(event)

    done = resume.read_receipts(plan)
    duplicates = {index: list(receipt.duplicates) for index, receipt in done.items()}
    again = [index for index in resume.list_intact(plan, before) if index not in done]
    shards = Shards(plan, note_and_notify, dict(done), (before.duplicates if before else {}) | duplicates, again)
    shards.cost = state.cost
    try:
        shards.do_all()
        error = shards.retry_refused(done)
        if before is None:
            shards.quarantine_duplicates()
    finally:
        notes.save()
    manifest = Finish(plan, shards).write(state.started, time.perf_counter() - began, before)
    if REFUSED not in manifest.reasons:
        clear_state(plan.layout)
    if error and manifest.status == "failed":
        raise RunError(error)
    return manifest


def _repair_shards(plan: Plan, notify: Callable[[RunEvent], None], manifest: Manifest, damaged: list[int]) -> Manifest:
    """Do the damaged shards of a finished run again; the others stay as they are."""
    shards = Shards(plan, notify, {}, manifest.duplicates)
    shards.cost = manifest.cost
    shards.do(damaged)
    resume.check_repaired(plan, manifest, shards.receipts)
    manifest = Finish(plan, shards).repair(manifest)
    if REFUSED not in manifest.reasons:  # else the version that wrote it can try them again
        clear_state(plan.layout)
    return manifest
