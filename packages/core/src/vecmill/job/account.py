"""Accounting: receipts add up to a manifest."""

from __future__ import annotations

import collections
import functools
import operator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.errors import RunError
from vecmill.records import Account, Reused
from vecmill.store.schema import QUARANTINE
from vecmill.store.shard import GROUP_BYTES, parquet_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vecmill.records import FileEntry, Receipt
    from vecmill.store.layout import Layout
    from vecmill.store.split import Split

UNKNOWN = "unknown"
"""An earlier run of which a receipt of the first versions does not say which it was."""
ROWS = 1024
"""Of the quarantine, held at a time; fewer if they are large."""


def total(receipts: Iterable[Receipt]) -> Account:
    """Add the accounts up.

    Raises:
        RunError: They do not balance: documents went in that nobody can account for.
    """
    account = functools.reduce(operator.add, (receipt.account for receipt in receipts), Account())
    if not account.balanced:
        raise RunError(
            f"the account does not add up: {account.documents_in} documents in, {account.documents_embedded} embedded, "
            f"{account.documents_quarantined} quarantined; the dataset was not finished. Please report this"
        )
    return account


def check_documents(receipts: Iterable[Receipt], split: Split) -> None:
    """Compare the documents that were read with those that were planned, and with the source's own count.

    Raises:
        RunError: They are not the same.
    """
    read = sum(receipt.account.documents_in for receipt in receipts)
    for expected, said in ((split.planned, "were planned"), (split.documents, "are in the source, as it says")):
        if expected is not None and expected != read:
            raise RunError(
                f"{read} documents were read, and {expected} {said}; the dataset was not finished: remove "
                "its folder and run again, and report it to the source's author if it stays so"
            )


def reasons(receipts: Iterable[Receipt]) -> dict[str, int]:
    """Count what was set aside by reason, most frequent first."""
    counts: collections.Counter[str] = collections.Counter()
    for receipt in receipts:
        counts.update(receipt.reasons)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def reused(receipts: Iterable[Receipt]) -> Reused | None:
    """Add up how many chunks have vectors of which earlier runs, whatever command used them; ``None`` for no such run.

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
    """Join what the shards set aside into one file, in source order; ``None`` if nothing was."""
    parts = [layout.root / receipt.quarantine.path for receipt in receipts if receipt.quarantine]
    if not parts:
        layout.quarantine.unlink(missing_ok=True)
        return None
    with parquet_file(layout, layout.quarantine, QUARANTINE) as merged:
        for part in parts:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(batch_size=_rows(file.metadata)):
                    merged.write(pa.Table.from_batches([batch]))
    return merged.finished()


def _rows(metadata: pq.FileMetaData) -> int:
    """Return how many rows of a file to hold at a time."""
    size = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    return int(max(1, min(ROWS, GROUP_BYTES * metadata.num_rows / max(1, size))))
