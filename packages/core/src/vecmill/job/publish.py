"""Publish: receipts become a manifest and a card, and publishers take the finished dataset."""

from __future__ import annotations

import collections
import functools
import math
import operator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.__about__ import __version__
from vecmill.concurrency import check_interrupt
from vecmill.errors import PublishError, RunError, check_result, name_errors
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.records import Account, ComponentSpec, Manifest, Reused, Timing, WorkerUpload
from vecmill.sanitize import require_utf8
from vecmill.store.card import format_card, read_user_section
from vecmill.store.destination import locked_to_read
from vecmill.store.files import finished_manifest, read_text, write_bytes, write_json, write_local_options
from vecmill.store.layout import Layout
from vecmill.store.parquet import GROUP_BYTES, QUARANTINE, parquet_file, read_column_types
from vecmill.store.state import add_sent, read_refused, read_sent, register_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from vecmill.job.plan import Plan
    from vecmill.job.scheduler import Shards
    from vecmill.protocols import Publisher
    from vecmill.records import FileEntry, Receipt, RunEvent
    from vecmill.store.state import Split


def publish(
    path: str | Path,
    to: str,
    options: Mapping[str, Any] | None = None,
    observe: Callable[[RunEvent], None] | None = None,
) -> str:
    """Publish a dataset that an earlier run made; called again after a failure, it resumes.

    Args:
        path: The dataset's folder.
        to: The publisher's name, such as ``"hub"``.
        options: Its options, such as ``{"repo": "user/name"}``.
        observe: Called with ``Publishing`` events.

    Returns:
        Where the dataset is now.

    Raises:
        ConfigError: There is no such publisher, or its options are wrong.
        StoreError: There is no finished dataset at ``path``.
        PublishError: It could not be delivered, or its run failed because too many documents were quarantined.
    """
    layout, manifest = _open_finished(path)
    publisher = _build_publisher(to, options)
    if observe is not None:
        publisher.report = observe
    with locked_to_read(layout):
        layout, manifest = _open_finished(path)  # a run may have changed it before the lock
        check_publishers([publisher])
        return deliver([publisher], layout, manifest)[0]


def preview(path: str | Path, to: str, options: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Yield lines about what ``publish`` would do; nothing is changed. Raises what ``publish`` raises."""
    layout, manifest = _open_finished(path)
    publisher = _build_publisher(to, options)
    check_publishers([publisher])
    _report_sent([publisher], layout)
    with _name_errors(publisher, "preview()"):
        yield from publisher.preview(layout.root, manifest)


def find_directory(publishers: Iterable[Publisher[Any]], name: str) -> Path:
    """Return the folder of a job's dataset: the one that the first publisher names, else ``out/NAME``; absolute.

    Raises:
        ConfigError: Its name is not UTF-8.
    """
    for publisher in publishers:
        with _name_errors(publisher, "directory()"):
            wanted = publisher.directory()
            if wanted is not None:
                return Path(require_utf8(wanted.absolute()))
    return Path(require_utf8((Path("out") / name).absolute()))


def check_publishers(publishers: Iterable[Publisher[Any]]) -> None:
    """Ask publishers, before the work, whether they could deliver."""
    for publisher in publishers:
        with _name_errors(publisher, "check()"):
            publisher.check()


def deliver(publishers: Sequence[Publisher[Any]], layout: Layout, manifest: Manifest) -> tuple[str, ...]:
    """Give a finished dataset to publishers, one after the other, and return its locations."""
    _report_sent(publishers, layout)
    return tuple(_deliver_dataset(publisher, layout, manifest) for publisher in publishers)


def _deliver_dataset(publisher: Publisher[Any], layout: Layout, manifest: Manifest) -> str:
    check_interrupt()
    with _name_errors(publisher, "publish()"):
        location = publisher.publish(layout.root, manifest)
    return check_result(location, str, "publisher", publisher.name, "publish()")


def prepare_uploads(publishers: Iterable[Publisher[Any]]) -> tuple[WorkerUpload, ...]:
    """Ask publishers, before the work, which of them want workers to upload shards."""
    asked = ((publisher, _prepare_workers(publisher)) for publisher in publishers)
    return tuple(
        WorkerUpload(publisher=_describe_spec(each), ready=ready) for each, ready in asked if ready is not None
    )


def _prepare_workers(publisher: Publisher[Any]) -> dict[str, Any] | None:
    with _name_errors(publisher, "prepare()"):
        return publisher.prepare()


def _report_sent(publishers: Iterable[Publisher[Any]], layout: Layout) -> None:
    kept = read_sent(layout)
    for publisher in publishers:
        with _name_errors(publisher, "accept()"):
            publisher.accept([sent for sent in kept if sent.publisher == publisher.name])


def _name_errors(publisher: Publisher[Any], call: str) -> AbstractContextManager[None]:
    advice = "run the same command again, which resumes; if it fails again, report it to the publisher's author"
    return name_errors(f"the publisher {publisher.name!r} failed at {call}", PublishError, advice)


def _describe_spec(publisher: Publisher[Any]) -> ComponentSpec:
    return ComponentSpec(name=publisher.name, options=publisher.config.model_dump(mode="json"))


def _build_publisher(name: str, options: Mapping[str, Any] | None) -> Publisher[Any]:
    made: Publisher[Any] = build(load().registry, "publisher", ComponentSpec(name=name, options=dict(options or {})))
    return made


def _open_finished(path: str | Path) -> tuple[Layout, Manifest]:
    layout = Layout(Path(path).absolute())
    manifest = finished_manifest(layout)
    if manifest.status == "failed" or not manifest.account.chunks:
        raise PublishError(f"{path} cannot be published: {explain(manifest, layout)}")
    return layout, manifest


UNKNOWN = "unknown"
"""An earlier run that a receipt of the first versions does not name."""
ROWS = 1024
"""Rows of the quarantine in memory at a time; fewer if they are large."""


def add_accounts(receipts: Iterable[Receipt]) -> Account:
    """Add the accounts up.

    Raises:
        RunError: They do not balance: documents went in that did not come out.
    """
    account = functools.reduce(operator.add, (receipt.account for receipt in receipts), Account())
    if not account.balanced:
        raise RunError(
            f"the account does not add up: {account.documents_in} documents in, {account.documents_embedded} embedded, "
            f"{account.documents_quarantined} quarantined; the dataset was not finished: please report it"
        )
    return account


def check_documents(receipts: Iterable[Receipt], split: Split) -> None:
    """Compare the documents that were read with those that were planned, and with the source's own count.

    Raises:
        RunError: They are not the same.
    """
    read = sum(receipt.account.documents_in for receipt in receipts)
    for expected, said in ((split.planned, "were planned"), (split.documents, "are in the source, by its own count")):
        if expected is not None and expected != read:
            raise RunError(
                f"{read} documents were read, and {expected} {said}; the dataset was not finished: remove "
                "its folder and run again, and report it to the source's author if it happens again"
            )


def count_reasons(receipts: Iterable[Receipt]) -> dict[str, int]:
    """Count quarantined documents by reason, most frequent first."""
    counts: collections.Counter[str] = collections.Counter()
    for receipt in receipts:
        counts.update(receipt.reasons)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def sum_reused(receipts: Iterable[Receipt]) -> Reused | None:
    """Add up how many chunks have vectors of which earlier runs, over all commands; ``None`` if there is no such run.

    The run that gave most of them comes first.
    """
    chunks: collections.Counter[str] = collections.Counter()
    for receipt in receipts:
        if receipt.reused_from or receipt.reused_chunks:
            chunks[receipt.reused_from or UNKNOWN] += receipt.reused_chunks
    runs = dict(sorted(chunks.items(), key=lambda item: (-item[1], item[0])))
    if not runs:
        return None
    return Reused(run_id=next(iter(runs)), chunks=sum(runs.values()), runs=runs if len(runs) > 1 else {})


def merge_quarantine(layout: Layout, receipts: Sequence[Receipt]) -> FileEntry | None:
    """Join the shards' quarantines into one file, in source order; ``None`` if they are empty."""
    parts = [layout.root / receipt.quarantine.path for receipt in receipts if receipt.quarantine]
    if not parts:
        layout.quarantine.unlink(missing_ok=True)
        return None
    with parquet_file(layout, layout.quarantine, QUARANTINE) as merged:
        for part in parts:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(batch_size=_count_rows(file.metadata)):
                    check_interrupt()
                    merged.write(pa.Table.from_batches([batch]))
    return merged.file_entry()


def _count_rows(metadata: pq.FileMetaData) -> int:
    """Return how many rows of a file to hold at a time."""
    size = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    return int(max(1, min(ROWS, GROUP_BYTES * metadata.num_rows / max(1, size))))


REFUSED = "not embedded"
"""The reason of documents that the engine refused; all other reasons lie in the documents or the job."""
ADVICE = {
    REFUSED: "read the engine's message for each, correct the engine, and run the same command again",
    "too long": "use smaller chunks, or set truncate = true",
    "duplicate id": "give each document of the source its own id",
}
"""What to do about a reason; for all others, correct the source."""
SHOWN = 3


def decide_status(account: Account, allowed: float) -> Literal["complete", "failed"]:
    """Return whether enough was embedded: an empty dataset has failed, whatever the job allows.

    Args:
        account: What became of the documents.
        allowed: The share of documents that may be quarantined.
    """
    return "complete" if account.chunks and compute_quarantined_share(account) <= allowed else "failed"


def compute_quarantined_share(account: Account) -> float:
    """Return the share of documents that were quarantined, from 0 to 1."""
    return account.documents_quarantined / max(1, account.documents_in)


def judge(manifest: Manifest, allowed: float, layout: Layout) -> None:
    """Fail a run that embedded nothing, or quarantined more documents than the job allows.

    Raises:
        RunError: With how many, the most frequent reasons, and what to do about each.
    """
    if decide_status(manifest.account, allowed) == "failed":
        raise RunError(f"{explain(manifest, layout)}. The dataset stays for inspection and was not published")


def explain(manifest: Manifest, layout: Layout) -> str:
    """Return why a run failed, and what to do about each reason."""
    account = manifest.account
    if not account.documents_in:
        return (
            f"the source {manifest.source.name!r} gave no documents, and an empty dataset is not finished: correct the "
            "job's [source], such as its path, its filter or its limit"
        )
    reasons = list(manifest.reasons.items())[:SHOWN]
    counts = ", ".join(f"{count} {reason}" for reason, count in reasons)
    advice = "; ".join(dict.fromkeys(ADVICE.get(reason, "correct the source") for reason, _ in reasons))
    found = f"{account.documents_quarantined} of {account.documents_in} documents were quarantined ({counts})"
    if not account.chunks:
        return f"{found}, and an empty dataset is not finished: {advice}. {layout.quarantine} has the details"
    enough = math.ceil(compute_quarantined_share(account) * 1000) / 1000
    return (
        f"{found}, more than max_quarantine allows: {advice}; or, if the dataset may lack them, raise max_quarantine "
        f"to {enough:g} and run again, which embeds nothing twice. {layout.quarantine} has the details"
    )


MADE = ("account", "reasons", "shards", "quarantine")
"""The keys of a manifest that describe the files."""


class Finish:
    """Writes the files next to the shards. The manifest comes last: with it the dataset is finished."""

    def __init__(self, plan: Plan, shards: Shards) -> None:
        self._plan = plan
        self._shards = shards

    def write(self, started: str, wall_seconds: float, before: Manifest | None = None) -> Manifest:
        """Account for every shard.

        Args:
            started: When the run was begun, ISO 8601.
            wall_seconds: How long this command has worked.
            before: The run's manifest, if it was finished already; if nothing has changed, its times stay.

        Raises:
            RunError: The account does not add up, or is not of all documents.
        """
        plan = self._plan
        receipts = [self._shards.receipts[task.index] for task in plan.tasks]
        check_documents(receipts, plan.split)
        manifest = Manifest(
            vecmill=__version__,
            run_id=plan.run_id,
            identity=plan.identity,
            recipe=plan.recipe,
            source=plan.source,
            model=plan.model,
            account=add_accounts(receipts),
            reasons=count_reasons(receipts),
            columns=read_column_types(plan.layout.root / receipts[0].shard.path),
            split=plan.split.digest,
            shards=[receipt.shard for receipt in receipts],
            quarantine=merge_quarantine(plan.layout, receipts),
            duplicates={receipt.index: list(receipt.duplicates) for receipt in receipts if receipt.duplicates},
            timing=Timing(
                started=started,
                finished=datetime.now(UTC).isoformat(timespec="seconds"),
                wall_seconds=round(wall_seconds, 3),
                worker_seconds=round(sum(receipt.seconds for receipt in receipts), 3),
            ),
            reused=sum_reused(receipts) or self._unnoted_reuse(before),
            cost=self._shards.cost,
            local_options=plan.local_options,
        )
        if before and all(getattr(manifest, key) == getattr(before, key) for key in MADE):
            manifest = manifest.model_copy(update={"timing": before.timing})
        add_sent(plan.layout, receipts)
        self._note_locations()
        return self._save(manifest)

    def _unnoted_reuse(self, before: Manifest | None) -> Reused | None:
        """Return the reuse of a finished run of the first versions, which has no receipts."""
        return before.reused if before is not None and not read_refused(self._plan.layout) else None

    def repair(self, manifest: Manifest) -> Manifest:
        """Replace damaged shards by those done again, and update what the job says of its text and locations."""
        self._note_locations()
        source = manifest.source.model_copy(update={"terms": self._plan.source.terms})
        if not self._shards.receipts and (manifest.status, manifest.source) == (self._status(manifest), source):
            self._replace_card(manifest)
            return manifest
        repaired = [
            self._shards.receipts[index].shard if index in self._shards.receipts else entry
            for index, entry in enumerate(manifest.shards)
        ]
        add_sent(self._plan.layout, self._shards.receipts.values())
        return self._save(manifest.model_copy(update={"shards": repaired, "source": source, "cost": self._shards.cost}))

    def _note_locations(self) -> None:
        """Register on this machine that the run is this user's, and where its model is."""
        write_local_options(self._plan.layout, self._plan.local_options)
        register_run(self._plan.run_id, self._plan.embedder)

    def _status(self, manifest: Manifest) -> str:
        return decide_status(manifest.account, self._plan.job.max_quarantine)

    def _save(self, manifest: Manifest) -> Manifest:
        judged = {"status": self._status(manifest), "max_quarantine": self._plan.job.max_quarantine}
        manifest = manifest.model_copy(update=judged)
        layout = self._plan.layout
        text = format_card(manifest, user_text=read_user_section(read_text(layout.card)) or "")
        write_bytes(layout.card, layout.temporary, text.encode())
        write_json(layout, layout.manifest, manifest)
        return manifest

    def _replace_card(self, manifest: Manifest) -> None:
        """Write the card of a finished run again if it was removed; an existing one stays."""
        layout = self._plan.layout
        if not layout.card.exists():
            write_bytes(layout.card, layout.temporary, format_card(manifest).encode())
