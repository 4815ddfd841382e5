"""Verify: is a dataset what its manifest says, down to the last row and bit?"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vecmill.concurrency import check_interrupt
from vecmill.errors import ConfigError
from vecmill.records import Account
from vecmill.records.documents import CHUNK_COLUMNS
from vecmill.store.card import card
from vecmill.store.card.facts import contradictions, facts
from vecmill.store.claims import check_claims, misshapen_parts, published_name, shard_folder
from vecmill.store.columns import dataset_schema
from vecmill.store.files import sha256
from vecmill.store.ids import IdCheck, repeated_ids
from vecmill.store.json import finished_manifest
from vecmill.store.layout import Layout
from vecmill.store.parquet import find_large_group
from vecmill.store.quarantine import check_quarantine, refused_ids
from vecmill.store.strangers import strangers
from vecmill.store.variants import VARIANTS, check_variant
from vecmill.store.vectors import check_vectors, from_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from vecmill.records import FileEntry, Manifest


NUMBERS = ("chunk_index", "start", "end", "tokens")
DIFFERENT_OVERLAP = "the text is not that of the chunk before, where the two overlap"


class Broken(NamedTuple):
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
            return [f"column {repeated[0]!r} stands more than once"]
        return list(self._compare_types(schema)) or list(self._compare_shards(schema))

    def _compare_types(self, schema: pa.Schema) -> Iterator[str]:
        """Yield where a column has another type than it must have, or than the manifest says."""
        found = {field.name: str(field.type) for field in schema}
        own = {field.name: str(field.type) for field in self._schema}
        for name, type_ in own.items():
            if name not in found:
                yield f"column {name!r} is missing"
            elif found[name] != type_:
                yield f"column {name!r} is {found[name]}, not {type_}"
        stated = self._manifest.columns
        for name in [name for name in stated | found if stated and name not in own]:
            if stated.get(name) != found.get(name):
                here, there = found.get(name, "missing"), stated.get(name, "missing")
                yield f"column {name!r} is {here}, and in the manifest it is {there}"

    def _compare_shards(self, schema: pa.Schema) -> Iterator[str]:
        """Yield where columns stand in another order than in the manifest, or differ from shard to shard."""
        stated = self._manifest.columns
        if stated and list(stated.items()) != [(field.name, str(field.type)) for field in schema]:
            yield f"the columns are {', '.join(schema.names)}, and in the manifest {', '.join(stated)} with their types"
        if self._first_shard is None:
            self._first_shard = schema
        elif not schema.equals(self._first_shard):
            yield "the columns are not those of the first shard"

    def rows(self, table: pa.Table, first: int) -> Iterator[Broken]:
        """Yield what is wrong with some rows; ``first`` is the number of the first one in its shard."""
        nulls = [name for name in self._schema.names if table.column(name).null_count]
        vectors = table.column(self._output.name).combine_chunks()
        if nulls or vectors.flatten().null_count:
            self._previous = None
            yield Broken(f"null in {', '.join(nulls or [self._output.name])}", first)
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

    def _check(self, table: pa.Table, vectors: pa.Array, first: int) -> Iterator[Broken]:
        narrow = table.drop_columns([self._output.name])
        joined = narrow if self._previous is None else pa.concat_tables([self._previous, narrow])
        # Each row beside the one before it; of the first row of all there is none.
        same = np.zeros(table.num_rows, np.bool_)
        same[table.num_rows - joined.num_rows + 1 :] = ~_differ(joined.column("id"))
        yield from self._invariants(table, joined, same, first)
        yield from _list_broken_rows({DIFFERENT_OVERLAP: _differ_in_overlap(joined, same)}, first)
        yield from self._constants(joined, same, first)
        yield from self._vectors(vectors, first)
        self._count(table, same)
        self._previous = narrow.take(pa.array([table.num_rows - 1]))

    def _invariants(
        self, table: pa.Table, joined: pa.Table, same: npt.NDArray[np.bool_], first: int
    ) -> Iterator[Broken]:
        numbers = {name: table.column(name).to_numpy() for name in NUMBERS}
        before = {name: _shift(joined.column(name).to_numpy(), len(same)) for name in ("chunk_index", "start")}
        lengths = pc.utf8_length(table.column("text")).to_numpy()
        start, tokens = numbers["start"], numbers["tokens"]
        invariants = {
            "the text is not as long as its place says": numbers["end"] - start != lengths,
            "the text is empty": lengths == 0,
            "the id is empty": pc.equal(table.column("id"), "").to_numpy(),
            "start is negative": start < 0,
            "chunk_index does not count from 0 in its document": numbers["chunk_index"]
            != np.where(same, before["chunk_index"] + 1, 0),
            "start is before the chunk that comes earlier": same & (start < before["start"]),
            "tokens is out of range": (tokens < 0) | (tokens > self._manifest.model.max_tokens),
        }
        yield from _list_broken_rows(invariants, first)

    def _constants(self, joined: pa.Table, same: npt.NDArray[np.bool_], first: int) -> Iterator[Broken]:
        """Yield where a column of the document is not the same in all of its chunks."""
        of_chunks = {"id", *CHUNK_COLUMNS}
        for name in [name for name in joined.column_names if name not in of_chunks]:
            changed = np.zeros_like(same)
            changed[len(same) - joined.num_rows + 1 :] = _differ(
                joined.column(name), same[len(same) - joined.num_rows + 1 :]
            )
            yield from _list_broken_rows(
                {f"{name} is not the one of the chunk before, of the same document": same & changed}, first
            )

    def _vectors(self, vectors: pa.Array, first: int) -> Iterator[Broken]:
        faults = check_vectors(from_column(vectors, self._output), self._output)
        if faults:
            row = min(faults)
            yield Broken(faults[row], first + row, len(faults))

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


def _list_broken_rows(invariants: dict[str, npt.NDArray[np.bool_]], first: int) -> Iterator[Broken]:
    for problem, rows in invariants.items():
        if rows.any():
            yield Broken(problem, first + int(np.argmax(rows)), int(rows.sum()))


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
        wanted: Which of them are asked for, if not all; of the others nothing is said.
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


MOST = 100
"""Faults that are listed; the others are counted."""
FEW_IDS = 1000
"""Ids that are looked up by name when their hashes stand twice."""
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Something wrong: with which file, and what."""

    path: str
    problem: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found.

    Attributes:
        path: The dataset's folder.
        manifest: Its manifest.
        faults: What is wrong with it, by file; empty for a valid dataset.
        more: How many faults there are besides, which are not listed.
        sha256: Of ``manifest.json``, in hex.
        embedded: How many chunks were embedded again.
    """

    path: Path
    manifest: Manifest
    faults: list[Fault]
    more: int = 0
    sha256: str = ""
    embedded: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(path: str | Path, *, expect: str | None = None) -> Verification:
    """Check the files of a dataset: sizes and sha256, every row, the account, and that no two of them differ.

    Rows: columns and types, ids and places in order, ``text`` as long as its span, what is the document's the same
    in all of its chunks, vectors finite and, where the model normalises, of unit length. Besides: manifest,
    quarantine and card against each other and the rows, and that there is no file which readers would take for one
    of the dataset.

    Args:
        path: The dataset's folder.
        expect: The sha256 that ``manifest.json`` must have, in hex, as the run printed it.

    Returns:
        What was found: ``ok``, and otherwise ``faults``, a sentence for each. A damaged dataset raises nothing.

    Raises:
        ConfigError: ``expect`` is no sha256.
        StoreError: There is no finished dataset, or its manifest cannot be read.
    """
    if expect is not None and not _SHA256.fullmatch(expect):
        raise ConfigError(f"expect = {expect!r} is no sha256: give the 64 hex digits that the run printed")
    layout = Layout(Path(path))
    manifest = finished_manifest(layout)
    checks = (_check_files(layout, manifest), _check_manifest(layout, manifest, expect), _check_card(layout, manifest))
    found = sorted(set(itertools.chain.from_iterable(checks)))
    return Verification(layout.root, manifest, found[:MOST], max(0, len(found) - MOST), sha256(layout.manifest))


def _check_manifest(layout: Layout, manifest: Manifest, expect: str | None) -> Iterator[Fault]:
    name = layout.manifest.name
    yield from (Fault(name, problem) for problem in check_claims(manifest))
    if expect is not None and expect.lower() not in _hashes_of_manifest(layout, manifest):
        yield Fault(name, f"its sha256 is {sha256(layout.manifest)}, not the expected {expect.lower()}: it was changed")


def _hashes_of_manifest(layout: Layout, manifest: Manifest) -> list[str]:
    """Return the sha256 of the manifest, and the one it had before a publisher put the shards into a run's folder."""
    content = layout.manifest.read_bytes()
    folder = f'"data/{published_name(manifest)}/'
    unmoved = content.replace(f"{folder}quarantine.parquet".encode(), b'"quarantine.parquet')
    unmoved = unmoved.replace(folder.encode(), b'"data/')
    return [hashlib.sha256(each).hexdigest() for each in (content, unmoved)]


def _check_card(layout: Layout, manifest: Manifest) -> Iterator[Fault]:
    name, folder = layout.card.name, shard_folder(manifest)
    try:
        readme = layout.card.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        yield Fault(name, "the file is missing")
        return
    except (OSError, UnicodeDecodeError) as error:
        yield Fault(name, f"the file cannot be read ({type(error).__name__})")
        return
    if misshapen_parts(manifest):  # there is no card of such a manifest
        return
    problems = contradictions(facts(readme), facts(card(manifest)), copied=folder != "data")
    yield from (Fault(name, problem) for problem in problems)


def _check_files(layout: Layout, manifest: Manifest) -> Iterator[Fault]:
    with contextlib.closing(IdCheck()) as ids:
        check = RowCheck(manifest, ids)
        faults = [fault for entry in manifest.shards for fault in _check_shard(layout, entry, manifest, check)]
        if not faults and shard_folder(manifest) != "data":
            faults += _check_variants(layout, manifest)
        if manifest.quarantine is not None:
            faults += _check_quarantine(layout, manifest.quarantine, manifest, ids)
        if not faults:
            # What was not read does not add up, and says nothing about the rest.
            faults += [Fault(layout.manifest.name, problem) for problem in check.totals()]
            faults += [Fault("data", problem) for problem in _check_ids(layout, manifest, ids)]
    yield from faults
    yield from (Fault(path, "the file is not in the manifest") for path in strangers(layout, manifest))


def _check_shard(layout: Layout, entry: FileEntry, manifest: Manifest, check: RowCheck) -> Iterator[Fault]:
    problems = list(_check_content(layout, entry))
    if not problems:
        footer = pq.read_metadata(layout.root / entry.path)
        problems += filter(None, [find_large_group(footer, manifest.model.output)])
    if not problems:
        with _reading(problems):
            problems += _check_rows(layout.root / entry.path, check)
    yield from (Fault(entry.path, problem) for problem in problems)


def _check_variants(layout: Layout, manifest: Manifest) -> Iterator[Fault]:
    """Compare the smaller vectors that a copy of a repo may have with those of the shards."""
    folder = layout.root / shard_folder(manifest)
    for variant in [variant for variant in VARIANTS if (folder / variant).is_dir()]:
        for entry in manifest.shards:
            shard = layout.root / entry.path
            path = folder / variant / shard.name
            problems: list[str] = []
            if not path.is_file():
                problems.append("the file is missing")
            else:
                with _reading(problems):
                    problems += check_variant(shard, path, variant)
            yield from (Fault(layout.relative(path), problem) for problem in problems)


def _check_quarantine(layout: Layout, entry: FileEntry, manifest: Manifest, ids: IdCheck) -> Iterator[Fault]:
    problems = list(_check_content(layout, entry))
    if not problems:
        with _reading(problems):
            problems += check_quarantine(layout.root / entry.path, manifest, ids)
    yield from (Fault(entry.path, problem) for problem in problems)


def _check_content(layout: Layout, entry: FileEntry) -> Iterator[str]:
    path = layout.root / entry.path
    if not path.is_file():
        yield "the file is missing"
    elif path.stat().st_size != entry.bytes:
        yield f"the file has {path.stat().st_size} bytes, not {entry.bytes}: it was cut or changed"
    elif sha256(path) != entry.sha256:
        yield "the content is not what was written (sha256 differs): it was changed or damaged"
    else:
        rows: list[str] = []
        with _reading(rows):
            found = pq.read_metadata(path).num_rows
            if found != entry.rows:
                rows.append(f"the file has {found} rows, not {entry.rows}")
        yield from rows


@contextlib.contextmanager
def _reading(problems: list[str]) -> Iterator[None]:
    """Note it when a file is no Parquet file, whatever its sha256."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        why = str(error).splitlines() or [type(error).__name__]
        problems.append(f"the file cannot be read as Parquet: {why[0]}")


def _check_rows(path: Path, check: RowCheck) -> Iterator[str]:
    file = pq.ParquetFile(path)
    problems = check.columns(file.schema_arrow)
    yield from problems
    yield from _merge(broken for broken in (() if problems else _check_row_groups(file, check)))


def _check_row_groups(file: pq.ParquetFile, check: RowCheck) -> Iterator[Broken]:
    first = 0
    for group in range(file.num_row_groups):
        check_interrupt()
        table: pa.Table = file.read_row_group(group)
        yield from check.rows(table, first)
        first += table.num_rows


def _merge(found: Iterable[Broken]) -> Iterator[str]:
    """Say each problem of a shard once: where it begins, and how many rows have it."""
    merged: dict[str, Broken] = {}
    for broken in found:
        before = merged.get(broken.problem)
        merged[broken.problem] = before._replace(rows=before.rows + broken.rows) if before else broken
    for problem, row, rows in merged.values():
        yield f"row {row}: {problem} ({rows} rows)"


def _check_ids(layout: Layout, manifest: Manifest, ids: IdCheck) -> Iterator[str]:
    repeated, missing = ids.compare()
    again = repeated_ids(_documents(layout, manifest), repeated[:FEW_IDS]) if repeated.size else []
    if again:
        count = max(len(again), repeated.size if repeated.size > FEW_IDS else 0)
        yield f"{count} document ids stand in more than one place, such as {again[0]!r}"
    if missing.size:
        yield f"{missing.size} documents were set aside for a duplicate id that no other document has"


def _documents(layout: Layout, manifest: Manifest) -> Iterator[pa.Array]:
    """Yield the ids of the documents that count, those in quarantine last."""
    for entry in manifest.shards:
        for batch in pq.ParquetFile(layout.root / entry.path).iter_batches(columns=["id", "chunk_index"]):
            yield batch.column("id").filter(pc.equal(batch.column("chunk_index"), 0))
    if manifest.quarantine is not None:
        yield from refused_ids(layout.root / manifest.quarantine.path)
