"""Resume: what an output folder holds, and whether it is this run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.errors import StoreError
from vecmill.job.identity import describe_difference, select_decisive
from vecmill.job.publish import REFUSED
from vecmill.store.destination import clear, read_note, refuse_foreign_folder
from vecmill.store.files import read_manifest, write_json
from vecmill.store.state import (
    RunState,
    clear_temporary,
    intact,
    read_receipt,
    read_refused,
    read_split,
    read_state,
    valid_receipt,
    write_split,
    write_state,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vecmill.job.plan import Plan
    from vecmill.records import Manifest, Receipt, ShardTask
    from vecmill.store.layout import Layout


def find_finished(plan: Plan) -> Manifest | None:
    """Return the manifest of this very run, if the folder holds it.

    Raises:
        StoreError: The folder holds another run, or files that no run of ours wrote.
    """
    manifest = read_manifest(plan.layout)
    if manifest is not None and manifest.run_id != plan.run_id:
        raise _other_run_error(
            plan.layout,
            f"the finished run {manifest.run_id} of {manifest.timing.finished[:10]}",
            plan,
            manifest.identity,
        )
    return manifest


def begin_run(plan: Plan, now: str) -> RunState:
    """Return the state of this run in the folder; begin the run if there is none.

    Raises:
        StoreError: The folder holds another unfinished run, or files that no run of ours wrote.
    """
    state = read_state(plan.layout)
    if state is None:
        refuse_foreign_folder(plan.layout)
        _refuse_copy(plan.layout)
        state = _begin(plan, RunState(run_id=plan.run_id, shards=0, started=now, identity=plan.identity))
    elif state.run_id != plan.run_id:
        raise _other_run_error(
            plan.layout, f"the unfinished run {state.run_id} of {state.started[:10]}", plan, state.identity
        )
    elif state.split != plan.split.digest:
        _adopt(plan, state)
        state = _begin(plan, state)
    elif read_split(plan.layout, state.split) is None:  # it was lost, and the source is cut as before
        write_split(plan.layout, plan.split)
    clear_temporary(plan.layout)
    return state


def _begin(plan: Plan, state: RunState) -> RunState:
    """Write which run it is, and how it is cut into shards."""
    write_split(plan.layout, plan.split)
    state = state.model_copy(update={"shards": len(plan.tasks), "split": plan.split.digest})
    write_state(plan.layout, state)
    return state


def _adopt(plan: Plan, state: RunState) -> None:
    """Take over shards of a run that does not say how it is cut, if they have the rows that they would have now.

    The first versions of vecmill did not note it. Shards follow one another, so those from the first to the last before
    a gap are of the same rows if each has as many documents as it would have now; what comes after a gap is done again.

    Raises:
        StoreError: The run is cut otherwise, or that cannot be ruled out.
    """
    check_split(plan, state)
    done = _read_done(plan, state)
    if not done and not plan.layout.manifest.exists():
        clear(plan.layout)  # half a shard of the split before would stay next to the others
    for task in plan.tasks:
        if task.index not in done:
            break
        receipt = done[task.index].model_copy(update={"partition": task.partition.digest})
        write_json(plan.layout, plan.layout.receipt(task.index), receipt)


def check_split(plan: Plan, state: RunState) -> None:
    """Refuse to resume with shards that may not have the rows that they would have now.

    Raises:
        StoreError: The run is cut otherwise, or that cannot be ruled out.
    """
    done = _read_done(plan, state)
    same = state.shards == len(plan.tasks) and not state.split
    if not done or (same and all(_counts_agree(plan.tasks[index], done[index]) for index in done)):
        return
    why = "has lost its record of how it cuts the source" if state.split else "was begun by an older version"
    raise StoreError(
        f"{plan.layout.root} holds the unfinished run {state.run_id} of {state.started[:10]}, which {why}, and its "
        "shards cannot be shown to have the rows that they would have now: finish it with the version that began it, "
        "or run with --overwrite to begin it again"
    )


def _counts_agree(task: ShardTask, receipt: Receipt) -> bool:
    return receipt.account.documents_in == task.partition.documents


def _read_done(plan: Plan, state: RunState) -> dict[int, Receipt]:
    """Return the receipts of a run by shard number, whatever rows they are of."""
    found = ((index, read_receipt(plan.layout, plan.run_id, index)) for index in range(state.shards))
    return {index: receipt for index, receipt in found if receipt is not None}


def read_receipts(plan: Plan) -> dict[int, Receipt]:
    """Return the receipts of the shards that are done and intact, by shard number.

    A shard that reused an earlier dataset which was refused later is not done, unless vectors are trusted now.
    """
    refused = _read_refused(plan)
    found = ((task.index, valid_receipt(plan.layout, plan.run_id, task.index, task.partition)) for task in plan.tasks)
    return {
        index: receipt for index, receipt in found if receipt is not None and not _has_refused_vectors(receipt, refused)
    }


def _read_refused(plan: Plan) -> frozenset[str]:
    return frozenset() if plan.trust_vectors else frozenset(read_refused(plan.layout))


def _has_refused_vectors(receipt: Receipt, refused: frozenset[str]) -> bool:
    """Whether a shard reused a refused dataset, or one that its receipt, of a first version, does not name."""
    return bool(refused and receipt.reused_chunks) and receipt.reused_shards in {"", *refused}


def can_retry(plan: Plan, manifest: Manifest) -> bool:
    """Whether a finished run has documents that the engine refused, and can be resumed for them.

    A finished run keeps its receipts while it has such documents. One of the first versions has none: it is
    done again if it has failed anyway.
    """
    if REFUSED not in manifest.reasons or manifest.split not in {"", plan.split.digest}:
        return False
    state = read_state(plan.layout)
    if state is not None and state.run_id == plan.run_id and state.split == plan.split.digest:
        return True
    return len(manifest.shards) == len(plan.tasks) and (manifest.status == "failed" or not manifest.account.chunks)


def explain_left_alone(plan: Plan) -> str:
    """Return why a finished run's refused documents are not tried again, and how they can be."""
    return (
        f"{plan.layout.root} does not say how the run was cut into shards, or another version wrote it: to have "
        f"them tried, run into another folder with --since {plan.layout.root}, which reuses all other vectors"
    )


def list_intact(plan: Plan, manifest: Manifest | None) -> list[int]:
    """Return the numbers of a finished run's shards whose vectors can be reused; none if it is unfinished.

    Those are on disk as its manifest says, and did not reuse a dataset that was refused.
    """
    entries, refused = (manifest.shards if manifest is not None else []), _read_refused(plan)
    found = ((index, read_receipt(plan.layout, plan.run_id, index)) for index in range(len(entries)))
    tainted = {index for index, receipt in found if receipt is not None and _has_refused_vectors(receipt, refused)}
    return [index for index, entry in enumerate(entries) if index not in tainted and intact(plan.layout, entry)]


def find_damaged(plan: Plan, manifest: Manifest) -> list[int]:
    """Return the numbers of a finished run's shards that are not on disk as its manifest says.

    A damaged quarantine can only be made again by doing every shard that has one, so all are named.

    Raises:
        StoreError: Some are damaged, and the source would be cut into other shards now.
    """
    if manifest.quarantine is not None and not intact(plan.layout, manifest.quarantine):
        return [task.index for task in plan.tasks]
    damaged = [index for index, entry in enumerate(manifest.shards) if not intact(plan.layout, entry)]
    if len(damaged) == len(manifest.shards):
        return [task.index for task in plan.tasks]
    same = manifest.split in {"", plan.split.digest} and len(manifest.shards) == len(plan.tasks)
    if damaged and not same:
        raise StoreError(
            f"{manifest.shards[damaged[0]].path} is damaged, and this version cuts the source into other shards than "
            f"version {manifest.vecmill} did, which made it: use that one, or remove {plan.layout.root} and run again"
        )
    return damaged


def check_repaired(plan: Plan, manifest: Manifest, receipts: Mapping[int, Receipt]) -> None:
    """Check that damaged shards, done again, have the rows that they had.

    Raises:
        StoreError: One has other rows than before, so the account of the run no longer adds up.
    """
    for index, receipt in receipts.items():
        before, now = manifest.shards[index].rows, receipt.shard.rows
        if now != before:
            raise StoreError(
                f"{receipt.shard.path} was damaged, and has {now} rows after it was done again instead of "
                f"{before}: the engine accepts other texts than before: remove {plan.layout.root} and run again"
            )


def clear_other(plan: Plan) -> None:
    """Remove another run in the folder, or an unfinished copy.

    This run stays, if it can be resumed.
    """
    manifest, state = read_manifest(plan.layout), read_state(plan.layout)
    there = [run for run in (manifest, state) if run is not None]
    if any(run.run_id != plan.run_id for run in there) or (not there and read_note(plan.layout) is not None):
        clear(plan.layout)
    elif manifest is None and state is not None and state.split != plan.split.digest:
        try:
            check_split(plan, state)
        except StoreError:
            clear(plan.layout)


def _refuse_copy(layout: Layout) -> None:
    if layout.mirror.exists():
        raise StoreError(
            f"{layout.root} holds a copy of a dataset that is not finished: choose another folder, or run with "
            "--overwrite to replace it"
        )


def _other_run_error(layout: Layout, what: str, plan: Plan, theirs: dict[str, object]) -> StoreError:
    alike = select_decisive(plan.identity, theirs) == select_decisive(theirs, plan.identity)
    newer = layout.manifest.is_file() and alike
    again = f" with --since {layout.root}, which reuses the vectors of what has not changed," if newer else ""
    keys = describe_difference(plan.identity, theirs)
    return StoreError(
        f"{layout.root} holds {what}, which is not this one: it differs in {keys}: "
        f"choose another folder{again} or run with --overwrite to replace it"
    )
