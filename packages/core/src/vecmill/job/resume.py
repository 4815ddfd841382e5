"""Resuming: what an output folder holds already, and whether it is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.errors import StoreError
from vecmill.job.identity import difference
from vecmill.job.since import select_decisive
from vecmill.store.destination import clear, refuse_strangers
from vecmill.store.json import read_manifest
from vecmill.store.state import RunState, clear_temporary, intact, read_state, valid_receipt, write_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vecmill.job.plan import Plan
    from vecmill.records import Manifest, Receipt
    from vecmill.store.layout import Layout


def finished(plan: Plan) -> Manifest | None:
    """Return the manifest of this very run, if the folder holds it.

    Raises:
        StoreError: The folder holds another run, or files that no run of ours wrote.
    """
    manifest = read_manifest(plan.layout)
    if manifest is not None and manifest.run_id != plan.run_id:
        raise _other(
            plan.layout,
            f"the finished run {manifest.run_id} of {manifest.timing.finished[:10]}",
            plan,
            manifest.identity,
        )
    return manifest


def begun(plan: Plan, now: str) -> RunState:
    """Return the state of this run in the folder, beginning it if need be.

    Raises:
        StoreError: The folder holds another unfinished run, or files that no run of ours wrote.
    """
    state = read_state(plan.layout)
    if state is None:
        refuse_strangers(plan.layout)
        _refuse_copy(plan.layout)
        state = RunState(run_id=plan.run_id, shards=len(plan.tasks), started=now, identity=plan.identity)
        write_state(plan.layout, state)
    elif state.run_id != plan.run_id:
        raise _other(plan.layout, f"the unfinished run {state.run_id} of {state.started[:10]}", plan, state.identity)
    clear_temporary(plan.layout)
    return state


def receipts(plan: Plan) -> dict[int, Receipt]:
    """Return the receipts of the shards that are done and intact, by shard number."""
    found = ((task.index, valid_receipt(plan.layout, plan.run_id, task.index)) for task in plan.tasks)
    return {index: receipt for index, receipt in found if receipt is not None}


def damaged(plan: Plan, manifest: Manifest) -> list[int]:
    """Return the numbers of a finished run's shards that are not on disk as its manifest says.

    A damaged quarantine can only be made again by doing every shard that set something aside, so all are named.
    """
    if manifest.quarantine is not None and not intact(plan.layout, manifest.quarantine):
        return [task.index for task in plan.tasks]
    return [index for index, entry in enumerate(manifest.shards) if not intact(plan.layout, entry)]


def check_mended(plan: Plan, manifest: Manifest, receipts: Mapping[int, Receipt]) -> None:
    """Check that damaged shards which were done again came out as they were.

    Raises:
        StoreError: One has other rows than before, so the account of the run no longer adds up.
    """
    for index, receipt in receipts.items():
        before, now = manifest.shards[index].rows, receipt.shard.rows
        if now != before:
            raise StoreError(
                f"{receipt.shard.path} was damaged, and when it was done again it came out with {now} rows instead of "
                f"{before}: the engine takes other texts than it did then. Remove {plan.layout.root} and run again"
            )


def clear_other(plan: Plan) -> None:
    """Remove whatever other run is in the folder, or a copy that was not finished; this one's stays."""
    manifest, state = read_manifest(plan.layout), read_state(plan.layout)
    there = [run for run in (manifest, state) if run is not None]
    if any(run.run_id != plan.run_id for run in there) or (not there and plan.layout.mirror.exists()):
        clear(plan.layout)


def _refuse_copy(layout: Layout) -> None:
    if layout.mirror.exists():
        raise StoreError(
            f"{layout.root} holds a copy of a dataset that is not finished: choose another folder, or run with "
            "--overwrite to replace it"
        )


def _other(layout: Layout, what: str, plan: Plan, theirs: dict[str, object]) -> StoreError:
    alike = select_decisive(plan.identity, theirs) == select_decisive(theirs, plan.identity)
    newer = layout.manifest.is_file() and alike
    again = f" with --since {layout.root}, which keeps the vectors of what has not changed," if newer else ""
    return StoreError(
        f"{layout.root} holds {what}, which is not this one: it differs in {difference(plan.identity, theirs)}. "
        f"Choose another folder{again} or run with --overwrite to replace it"
    )
