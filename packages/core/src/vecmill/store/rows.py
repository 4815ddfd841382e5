"""Rows: whether those of the shards, and of the quarantine, are what the manifest says, and each id is there once."""

from __future__ import annotations

import collections
import tempfile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vecmill.records import Account
from vecmill.records.documents import CHUNK_COLUMNS
from vecmill.store.parquet import QUARANTINE, dataset_schema
from vecmill.store.state import ROOM, hash_ids
from vecmill.store.vectors import check_vectors, from_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    from vecmill.records import Manifest


NUMBERS = ("chunk_index", "start", "end", "tokens")
DIFFERENT_OVERLAP = "the text is not that of the chunk before, where the two overlap"


class Violation(NamedTuple):
    """An invariant that some rows break: which, the first such row of its shard, and how many there are."""

    problem: str
    row: int
    rows: int = 1


class RowCheck:
    """Checks tables of rows in dataset order, and counts them.

    Args:
        manifest: What the rows are held to.
        ids: Takes the id of each document.

    Attributes:
        account: What the rows seen so far add up to.
        longest_chunks: How many of them have as many tokens as the model takes.
    """

    def __init__(self, manifest: Manifest, ids: IdCheck) -> None:
        self._manifest = manifest
        self._output = manifest.model.output
        self._schema = dataset_schema(manifest.model.outputs)
        self._first_shard: pa.Schema | None = None
        self._previous: pa.Table | None = None
        self._ids = ids
        self.account = Account()
        self.longest_chunks = 0

    def columns(self, schema: pa.Schema) -> list[str]:
        """Return what is wrong with a shard's columns."""
        repeated = sorted({name for name in schema.names if schema.names.count(name) > 1})
        if repeated:
            return [f"column {repeated[0]!r} is there more than once"]
        return list(self._compare_types(schema)) or list(self._compare_shards(schema))

    def _compare_types(self, schema: pa.Schema) -> Iterator[str]:
        """Yield where a column has another type than it must have, or than the manifest says."""
        found = {field.name: str(field.type) for field in schema}
        required = {field.name: str(field.type) for field in self._schema}
        for name, type_ in required.items():
            if name not in found:
                yield f"column {name!r} is missing"
            elif found[name] != type_:
                yield f"column {name!r} is {found[name]}, not {type_}"
        stated = self._manifest.columns
        for name in [name for name in stated | found if stated and name not in required]:
            if stated.get(name) != found.get(name):
                here, there = found.get(name, "missing"), stated.get(name, "missing")
                yield f"column {name!r} is {here}, and in the manifest it is {there}"

    def _compare_shards(self, schema: pa.Schema) -> Iterator[str]:
        """Yield where columns are in another order than in the manifest, or differ from shard to shard."""
        stated = self._manifest.columns
        if stated and list(stated.items()) != [(field.name, str(field.type)) for field in schema]:
            yield f"the columns are {', '.join(schema.names)}, and in the manifest {', '.join(stated)} with their types"
        if self._first_shard is None:
            self._first_shard = schema
        elif not schema.equals(self._first_shard):
            yield "the columns are not those of the first shard"

    def rows(self, table: pa.Table, first: int) -> Iterator[Violation]:
        """Yield what is wrong with some rows; ``first`` is the number of the first one in its shard."""
        nulls = [name for name in self._schema.names if table.column(name).null_count]
        vectors = table.column(self._output.name).combine_chunks()
        if nulls or vectors.flatten().null_count:
            self._previous = None
            yield Violation(f"null in {', '.join(nulls or [self._output.name])}", first)
        elif table.num_rows:
            yield from self._check(table, vectors, first)

    def totals(self) -> Iterator[str]:
        """Yield where the rows do not add up to the manifest's account."""
        stated = self._manifest.account
        for key in ("documents_embedded", "chunks", "characters", "tokens"):
            if getattr(self.account, key) != getattr(stated, key):
                yield f"account.{key} is {getattr(stated, key)}, and the rows add up to {getattr(self.account, key)}"
        if stated.truncated_chunks > self.longest_chunks:
            yield (
                f"account.truncated_chunks is {stated.truncated_chunks}, and {self.longest_chunks} chunks have the "
                f"{self._manifest.model.max_tokens} tokens that a truncated chunk has"
            )

    def _check(self, table: pa.Table, vectors: pa.Array, first: int) -> Iterator[Violation]:
        narrow = table.drop_columns([self._output.name])
        joined = narrow if self._previous is None else pa.concat_tables([self._previous, narrow])
        # Each row with the one before it; the first row of all has none.
        same = np.zeros(table.num_rows, np.bool_)
        same[table.num_rows - joined.num_rows + 1 :] = ~_differ(joined.column("id"))
        yield from self._invariants(table, joined, same, first)
        yield from _list_violations({DIFFERENT_OVERLAP: _differ_in_overlap(joined, same)}, first)
        yield from self._constants(joined, same, first)
        yield from self._vectors(vectors, first)
        self._count(table, same)
        self._previous = narrow.take(pa.array([table.num_rows - 1]))

    def _invariants(
        self, table: pa.Table, joined: pa.Table, same: npt.NDArray[np.bool_], first: int
    ) -> Iterator[Violation]:
        numbers = {name: table.column(name).to_numpy() for name in NUMBERS}
        before = {name: _shift(joined.column(name).to_numpy(), len(same)) for name in ("chunk_index", "start")}
        lengths = pc.utf8_length(table.column("text")).to_numpy()
        start, tokens = numbers["start"], numbers["tokens"]
        invariants = {
            "the text is not as long as start and end say": numbers["end"] - start != lengths,
            "the text is empty": lengths == 0,
            "the id is empty": pc.equal(table.column("id"), "").to_numpy(),
            "start is negative": start < 0,
            "chunk_index does not count from 0 in its document": numbers["chunk_index"]
            != np.where(same, before["chunk_index"] + 1, 0),
            "start is before the chunk that comes earlier": same & (start < before["start"]),
            "tokens is out of range": (tokens < 0) | (tokens > self._manifest.model.max_tokens),
        }
        yield from _list_violations(invariants, first)

    def _constants(self, joined: pa.Table, same: npt.NDArray[np.bool_], first: int) -> Iterator[Violation]:
        """Yield where a column of the document is not the same in all of its chunks."""
        of_chunks = {"id", *CHUNK_COLUMNS}
        for name in [name for name in joined.column_names if name not in of_chunks]:
            changed = np.zeros_like(same)
            changed[len(same) - joined.num_rows + 1 :] = _differ(
                joined.column(name), same[len(same) - joined.num_rows + 1 :]
            )
            yield from _list_violations(
                {f"{name} is not the one of the chunk before, of the same document": same & changed}, first
            )

    def _vectors(self, vectors: pa.Array, first: int) -> Iterator[Violation]:
        faults = check_vectors(from_column(vectors, self._output), self._output)
        if faults:
            row = min(faults)
            yield Violation(faults[row], first + row, len(faults))

    def _count(self, table: pa.Table, same: npt.NDArray[np.bool_]) -> None:
        self._ids.add(table.column("id").filter(pa.array(~same)))
        tokens = table.column("tokens").to_numpy()
        lengths = table.column("end").to_numpy() - table.column("start").to_numpy()
        self.longest_chunks += int((tokens == self._manifest.model.max_tokens).sum())
        self.account += Account(
            documents_embedded=int((~same).sum()),
            chunks=table.num_rows,
            characters=int(lengths.sum()),
            tokens=max(0, int(tokens.sum(dtype=np.int64))),
        )


def _list_violations(invariants: dict[str, npt.NDArray[np.bool_]], first: int) -> Iterator[Violation]:
    for problem, rows in invariants.items():
        if rows.any():
            yield Violation(problem, first + int(np.argmax(rows)), int(rows.sum()))


def _shift(values: npt.NDArray[np.int64], rows: int) -> npt.NDArray[np.int64]:
    """Return for each of the last ``rows`` values the one before it; of the first of all, 0."""
    return np.concatenate([np.zeros(1, values.dtype), values])[-rows - 1 : -1]


def _differ_in_overlap(joined: pa.Table, same: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return for each of the last rows whether the characters that it shares with the one before are others there.

    Args:
        joined: The rows, and the one before them if there is one.
        same: Of each row, whether it is of the document of the one before.
    """
    starts, ends = (joined.column(name).to_numpy() for name in ("start", "end"))
    skipped = np.diff(starts, prepend=0)[-len(same) :]
    shared = (np.minimum(ends, np.concatenate([ends[:1], ends[:-1]])) - starts)[-len(same) :]
    rows = np.flatnonzero(same & (skipped >= 0) & (shared > 0))
    texts, numbers = joined.column("text"), pa.array(rows + joined.num_rows - len(same))
    pairs = zip(texts.take(numbers).to_pylist(), texts.take(pc.subtract(numbers, 1)).to_pylist(), strict=True)
    differ = np.zeros(len(same), np.bool_)
    differ[rows] = [
        here[:count] != before[skip : skip + count]
        for (here, before), skip, count in zip(pairs, skipped[rows].tolist(), shared[rows].tolist(), strict=True)
    ]
    return differ


def _differ(column: pa.ChunkedArray, wanted: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.bool_]:
    """Return for each value but the first whether it is another than the one before; null and NaN equal themselves.

    Args:
        column: The values.
        wanted: Which of them are asked for, if not all; the others count as equal.
    """
    values, before = column.slice(1), column.slice(0, max(0, len(column) - 1))
    try:
        equal = pc.equal(values, before)
    except pa.ArrowNotImplementedError:  # lists and structs
        return _differ_nested(values, before, np.ones(len(values), np.bool_) if wanted is None else wanted)
    alike = pc.and_(pc.is_null(values), pc.is_null(before))
    if pa.types.is_floating(column.type):
        alike = pc.or_(alike, pc.fill_null(pc.and_(pc.is_nan(values), pc.is_nan(before)), fill_value=False))
    return ~np.asarray(pc.or_(pc.fill_null(equal, fill_value=False), alike), np.bool_)


def _differ_nested(
    values: pa.ChunkedArray, before: pa.ChunkedArray, wanted: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    differ = np.zeros(len(wanted), np.bool_)
    mask = pa.array(wanted)
    left, right = values.filter(mask), before.filter(mask)
    if not left.equals(right):
        # Seldom: a fault, or a NaN inside. Their Python form decides, value by value.
        differ[wanted] = [
            repr(one) != repr(other) for one, other in zip(left.to_pylist(), right.to_pylist(), strict=True)
        ]
    return differ


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
    violations: collections.Counter[str] = collections.Counter()
    for batch in file.iter_batches(batch_size=ROWS):
        counts.update(batch.column("reason").to_pylist())
        violations.update(_contradictions(batch))
        ids.add(_ids(batch, REFUSED))
        duplicates = _ids(batch, (DUPLICATE,))
        ids.require(duplicates)
        listed.difference_update(duplicates.to_pylist())
    yield from (f"{problem} ({count} rows)" for problem, count in (+violations).items())
    for reason in sorted({*counts, *manifest.reasons}):
        if counts[reason] != manifest.reasons.get(reason, 0):
            stated = manifest.reasons.get(reason, 0)
            yield f"{counts[reason]} documents have the reason {reason!r}, and in the manifest it is {stated}"
    if listed:
        yield f"the manifest lists the duplicate id {min(listed)!r}, and no document was quarantined for it"


def refused_ids(path: Path) -> Iterator[pa.Array]:
    """Yield the ids of the documents that were read, and refused."""
    for batch in pq.ParquetFile(path).iter_batches(batch_size=ROWS, columns=["id", "reason"]):
        yield _ids(batch, REFUSED)


def _ids(batch: pa.RecordBatch, reasons: tuple[str, ...]) -> pa.Array:
    chosen = pc.is_in(batch.column("reason"), value_set=_strings(reasons))
    return batch.column("id").filter(chosen).drop_null()


def _contradictions(batch: pa.RecordBatch) -> dict[str, int]:
    """Count the rows whose reason contradicts their columns."""
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


SPOOL_BYTES = 64_000_000
"""Hashes held in memory; more of them go to a temporary file."""


class IdCheck:
    """Collects the hashes of document ids, eight bytes each, and compares them a part at a time."""

    def __init__(self) -> None:
        self._spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - closed by ``close``
        self._count = 0
        self._wanted: list[npt.NDArray[np.uint64]] = []

    def add(self, ids: pa.Array) -> None:
        """Add documents that the dataset counts: embedded ones, and those that the engine or the limit refused."""
        hashed = hash_ids(ids.to_pylist())
        self._spool.write(hashed.tobytes())
        self._count += len(hashed)

    def require(self, ids: pa.Array) -> None:
        """Add ids that a counted document must have: those of duplicates."""
        self._wanted.append(hash_ids(ids.to_pylist()))

    def compare(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Return the hashes that are there more than once, and the required ones that are not there."""
        wanted = np.unique(np.concatenate([np.empty(0, np.uint64), *self._wanted]))
        repeated, present = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
        for values in self._parts():
            values.sort()
            repeated.append(np.unique(values[1:][values[1:] == values[:-1]]))
            present.append(np.intersect1d(wanted, values))
        return np.concatenate(repeated), np.setdiff1d(wanted, np.concatenate(present))

    def close(self) -> None:
        """Free the temporary file."""
        self._spool.close()

    def _parts(self) -> Iterator[npt.NDArray[np.uint64]]:
        """Yield all hashes, about ``ROOM`` at a time; equal ones are in one part."""
        parts = -(-self._count // ROOM)
        for part in range(parts):
            low, high = np.uint64(2**64 * part // parts), np.uint64(2**64 * (part + 1) // parts - 1)
            yield np.concatenate([values[(values >= low) & (values <= high)] for values in self._blocks()])

    def _blocks(self) -> Iterator[npt.NDArray[np.uint64]]:
        self._spool.seek(0)
        while block := self._spool.read(ROOM):
            yield np.frombuffer(block, np.uint64)


def find_repeated_ids(documents: Iterable[pa.Array], suspects: npt.NDArray[np.uint64]) -> list[str]:
    """Return the ids that are there more than once, of those that have one of these hashes: the ids decide."""
    counts: collections.Counter[str] = collections.Counter()
    for ids in documents:
        names = np.array(ids.to_pylist(), dtype=object)
        counts.update(names[np.isin(hash_ids(names), suspects)])
    return sorted(id_ for id_, count in counts.items() if count > 1)
