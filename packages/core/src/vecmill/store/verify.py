"""Verify: is a dataset what its manifest says, down to the last row and bit?"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vecmill.concurrency import check_interrupt
from vecmill.errors import ConfigError
from vecmill.store.card import format_card, list_runs
from vecmill.store.consistency import (
    check_manifest,
    compare_facts,
    list_missing_parts,
    read_facts,
)
from vecmill.store.files import finished_manifest, sha256
from vecmill.store.layout import Layout
from vecmill.store.parquet import find_large_group
from vecmill.store.rows import IdCheck, RowCheck, Violation, check_quarantine, find_repeated_ids, refused_ids
from vecmill.store.vectors import VARIANTS, check_variant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vecmill.records import FileEntry, Manifest


MOST = 100
"""Faults that are listed; the others are counted."""
FEW_IDS = 1000
"""Ids that are found by name when their hashes are there twice."""
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
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
    faults: list[Problem]
    more: int = 0
    sha256: str = ""
    embedded: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(path: str | Path, *, expect: str | None = None) -> Verification:
    """Check the files of a dataset: sizes and sha256, every row, the account, and that no two of them differ.

    Rows: columns and types, ids and positions in order, ``text`` as long as its span, what is the document's the same
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


def _check_manifest(layout: Layout, manifest: Manifest, expect: str | None) -> Iterator[Problem]:
    name = layout.manifest.name
    yield from (Problem(name, problem) for problem in check_manifest(manifest))
    if expect is not None and expect.lower() not in _hashes_of_manifest(layout, manifest):
        yield Problem(
            name, f"its sha256 is {sha256(layout.manifest)}, not the expected {expect.lower()}: it was changed"
        )


def _hashes_of_manifest(layout: Layout, manifest: Manifest) -> list[str]:
    """Return the sha256 of the manifest, and the one it had before a publisher put the shards into a run's folder."""
    content = layout.manifest.read_bytes()
    folder = f'"data/{manifest.published_name}/'
    unmoved = content.replace(f"{folder}quarantine.parquet".encode(), b'"quarantine.parquet')
    unmoved = unmoved.replace(folder.encode(), b'"data/')
    return [hashlib.sha256(each).hexdigest() for each in (content, unmoved)]


def _check_card(layout: Layout, manifest: Manifest) -> Iterator[Problem]:
    name, folder = layout.card.name, manifest.shard_folder
    try:
        readme = layout.card.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        yield Problem(name, "the file is missing")
        return
    except (OSError, UnicodeDecodeError) as error:
        yield Problem(name, f"the file cannot be read ({type(error).__name__})")
        return
    if list_missing_parts(manifest):  # there is no card of such a manifest
        return
    problems = compare_facts(read_facts(readme), read_facts(format_card(manifest)), copied=folder != "data")
    yield from (Problem(name, problem) for problem in problems)


def _check_files(layout: Layout, manifest: Manifest) -> Iterator[Problem]:
    with contextlib.closing(IdCheck()) as ids:
        check = RowCheck(manifest, ids)
        faults = [fault for entry in manifest.shards for fault in _check_shard(layout, entry, manifest, check)]
        if not faults and manifest.shard_folder != "data":
            faults += _check_variants(layout, manifest)
        if manifest.quarantine is not None:
            faults += _check_quarantine(layout, manifest.quarantine, manifest, ids)
        if not faults:
            # What was not read does not add up, and says nothing about the rest.
            faults += [Problem(layout.manifest.name, problem) for problem in check.totals()]
            faults += [Problem("data", problem) for problem in _check_ids(layout, manifest, ids)]
    yield from faults
    yield from (Problem(path, "the file is not in the manifest") for path in find_unexpected_files(layout, manifest))


def _check_shard(layout: Layout, entry: FileEntry, manifest: Manifest, check: RowCheck) -> Iterator[Problem]:
    problems = list(_check_content(layout, entry))
    if not problems:
        footer = pq.read_metadata(layout.root / entry.path)
        problems += filter(None, [find_large_group(footer, manifest.model.output)])
    if not problems:
        with _reading(problems):
            problems += _check_rows(layout.root / entry.path, check)
    yield from (Problem(entry.path, problem) for problem in problems)


def _check_variants(layout: Layout, manifest: Manifest) -> Iterator[Problem]:
    """Compare the smaller vectors that a copy of a repo may have with those of the shards."""
    folder = layout.root / manifest.shard_folder
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
            yield from (Problem(layout.relative(path), problem) for problem in problems)


def _check_quarantine(layout: Layout, entry: FileEntry, manifest: Manifest, ids: IdCheck) -> Iterator[Problem]:
    problems = list(_check_content(layout, entry))
    if not problems:
        with _reading(problems):
            problems += check_quarantine(layout.root / entry.path, manifest, ids)
    yield from (Problem(entry.path, problem) for problem in problems)


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
    yield from _merge(violation for violation in (() if problems else _check_row_groups(file, check)))


def _check_row_groups(file: pq.ParquetFile, check: RowCheck) -> Iterator[Violation]:
    first = 0
    for group in range(file.num_row_groups):
        check_interrupt()
        table: pa.Table = file.read_row_group(group)
        yield from check.rows(table, first)
        first += table.num_rows


def _merge(found: Iterable[Violation]) -> Iterator[str]:
    """Yield each problem of a shard once: where it begins, and how many rows have it."""
    merged: dict[str, Violation] = {}
    for violation in found:
        before = merged.get(violation.problem)
        merged[violation.problem] = before._replace(rows=before.rows + violation.rows) if before else violation
    for problem, row, rows in merged.values():
        yield f"row {row}: {problem} ({rows} rows)"


def _check_ids(layout: Layout, manifest: Manifest, ids: IdCheck) -> Iterator[str]:
    repeated, missing = ids.compare()
    again = find_repeated_ids(_documents(layout, manifest), repeated[:FEW_IDS]) if repeated.size else []
    if again:
        count = max(len(again), repeated.size if repeated.size > FEW_IDS else 0)
        yield f"{count} document ids are there more than once, such as {again[0]!r}"
    if missing.size:
        yield f"{missing.size} documents were quarantined for a duplicate id that no other document has"


def _documents(layout: Layout, manifest: Manifest) -> Iterator[pa.Array]:
    """Yield the ids of the documents that count, those in quarantine last."""
    for entry in manifest.shards:
        for batch in pq.ParquetFile(layout.root / entry.path).iter_batches(columns=["id", "chunk_index"]):
            yield batch.column("id").filter(pc.equal(batch.column("chunk_index"), 0))
    if manifest.quarantine is not None:
        yield from refused_ids(layout.root / manifest.quarantine.path)


SUFFIX = ".parquet"


def find_unexpected_files(layout: Layout, manifest: Manifest) -> Iterator[str]:
    """Yield the paths of files that are not the dataset's: in ``data`` at any depth, and Parquet files next to it.

    In a copy of a repo of the Hub, older runs and smaller vectors are part of it.
    """
    known = {entry.path for entry in [*manifest.shards, *([manifest.quarantine] if manifest.quarantine else [])]}
    allowed = _published_pattern(layout, manifest)
    for path in _readable(layout):
        name = layout.relative(path)
        if name not in known and not (allowed and allowed.fullmatch(name)):
            yield name


def _published_pattern(layout: Layout, manifest: Manifest) -> re.Pattern[str] | None:
    """Return what else a copy of a repo may have; ``None`` for a dataset that was not published."""
    name = manifest.published_name
    if manifest.shard_folder != f"data/{name}":
        return None
    try:
        runs = list_runs(layout.card.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        runs = []
    shards = _any_of(Path(entry.path).name for entry in manifest.shards)
    return re.compile(f"data/(?:{_any_of(run for run in runs if run != name)}/.+|{name}/{_any_of(VARIANTS)}/{shards})")


def _any_of(names: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, names)) or '(?!)'})"


def _readable(layout: Layout) -> Iterator[Path]:
    """Yield what readers may find: they go by a suffix, in upper or lower case, or take all that is in a folder."""
    if layout.root.is_dir():
        yield from (path for path in sorted(layout.root.iterdir()) if _is_parquet(path) and not path.is_dir())
    for folder, folders, files in os.walk(layout.data):
        here = Path(folder)
        for path in sorted(here / name for name in [*files, *(name for name in folders if (here / name).is_symlink())]):
            if _is_parquet(path) or not any(part.startswith(".") for part in path.relative_to(layout.data).parts):
                yield path


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == SUFFIX
