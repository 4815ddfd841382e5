"""Quarantine: whether what was set aside is what the manifest says of it."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.parquet as pq

from vecmill.store.columns import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from vecmill.records import Manifest
    from vecmill.store.ids import IdCheck

REFUSED = ("too long", "not embedded")
"""Reasons of documents that were read without fault, so that no other document may have their id."""
DUPLICATE = "duplicate id"
ROWS = 256


def check_quarantine(path: Path, manifest: Manifest, ids: IdCheck) -> Iterator[str]:
    """Yield where ``quarantine.parquet`` contradicts itself, the account or the reasons of the manifest.

    Args:
        path: The file.
        manifest: Of the dataset.
        ids: Takes the ids of documents that were refused, and of duplicates.
    """
    file = pq.ParquetFile(path)
    if not file.schema_arrow.equals(QUARANTINE):
        yield f"the columns are {', '.join(file.schema_arrow.names)}, or have other types than a quarantine has"
        return
    counts: collections.Counter[str] = collections.Counter()
    listed = {id_ for names in manifest.duplicates.values() for id_ in names}
    broken: collections.Counter[str] = collections.Counter()
    for batch in file.iter_batches(batch_size=ROWS):
        counts.update(batch.column("reason").to_pylist())
        broken.update(_contradictions(batch))
        ids.add(_ids(batch, REFUSED))
        duplicates = _ids(batch, (DUPLICATE,))
        ids.require(duplicates)
        listed.difference_update(duplicates.to_pylist())
    yield from (f"{problem} ({count} rows)" for problem, count in (+broken).items())
    for reason in sorted({*counts, *manifest.reasons}):
        if counts[reason] != manifest.reasons.get(reason, 0):
            stated = manifest.reasons.get(reason, 0)
            yield f"{counts[reason]} documents have the reason {reason!r}, and in the manifest it is {stated}"
    if listed:
        yield f"the manifest lists the duplicate id {min(listed)!r}, and no document was set aside for it"


def refused_ids(path: Path) -> Iterator[pa.Array]:
    """Yield the ids of the documents that were read, and refused."""
    for batch in pq.ParquetFile(path).iter_batches(batch_size=ROWS, columns=["id", "reason"]):
        yield _ids(batch, REFUSED)


def _ids(batch: pa.RecordBatch, reasons: tuple[str, ...]) -> pa.Array:
    chosen = pc.is_in(batch.column("reason"), value_set=_strings(reasons))
    return batch.column("id").filter(chosen).drop_null()


def _contradictions(batch: pa.RecordBatch) -> dict[str, int]:
    """Count the rows whose reason is not true of their own columns."""
    reason, ids, texts = (batch.column(name) for name in ("reason", "id", "text"))
    no_id = pc.or_kleene(pc.is_null(ids), pc.equal(ids, ""))
    no_text = pc.is_null(texts)
    with_text = pc.is_in(reason, value_set=_strings((*REFUSED, DUPLICATE, "blank text")))
    with_id = pc.is_in(reason, value_set=_strings((*REFUSED, DUPLICATE, "blank text", "null text")))
    unlike = {
        "the reason is 'null id', and the row has an id": pc.and_(pc.equal(reason, "null id"), pc.invert(no_id)),
        "the reason is 'null text', and the row has a text": pc.and_(pc.equal(reason, "null text"), pc.invert(no_text)),
        "the row has no id, and its reason is another": pc.and_(with_id, no_id),
        "the row has no text, and its reason is another": pc.and_(with_text, no_text),
    }
    return {problem: pc.sum(rows).as_py() or 0 for problem, rows in unlike.items()}


def _strings(values: tuple[str, ...]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, pa.string())
