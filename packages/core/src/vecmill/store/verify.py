"""Verify: is a dataset what its manifest says, down to the last row and bit?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.store.files import sha256
from vecmill.store.json import finished_manifest
from vecmill.store.layout import Layout
from vecmill.store.rows import RowCheck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.records import FileEntry, Manifest


@dataclass(frozen=True, slots=True)
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
        faults: Everything wrong with it; empty for a sound dataset.
    """

    path: Path
    manifest: Manifest
    faults: list[Fault]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(path: str | Path) -> Verification:
    """Check a dataset: every file's size and sha256, every row, and the account.

    Rows: columns and types, ids and places in order, ``text`` as long as its span, vectors finite and, where the
    model normalises, of unit length.

    Returns:
        What was found: ``ok``, and otherwise ``faults``, a sentence for each. A damaged dataset raises nothing.

    Raises:
        StoreError: There is no finished dataset, or its manifest cannot be read.
    """
    layout = Layout(Path(path))
    manifest = finished_manifest(layout)
    check = RowCheck(manifest)
    faults = [fault for entry in manifest.shards for fault in _file(layout, entry, check)]
    if manifest.quarantine is not None:
        faults += _file(layout, manifest.quarantine, None)
    faults += [Fault("data", f"{name} is not in the manifest") for name in _strangers(layout, manifest)]
    if not faults:
        faults += [Fault("manifest.json", problem) for problem in check.totals()]
    return Verification(layout.root, manifest, faults)


def _file(layout: Layout, entry: FileEntry, check: RowCheck | None) -> Iterator[Fault]:
    path = layout.root / entry.path
    if not path.is_file():
        yield Fault(entry.path, "the file is missing")
    elif path.stat().st_size != entry.bytes:
        yield Fault(entry.path, f"the file has {path.stat().st_size} bytes, not {entry.bytes}: it was cut or changed")
    elif sha256(path) != entry.sha256:
        yield Fault(entry.path, "the content is not what was written (sha256 differs): it was changed or damaged")
    elif check is not None:
        yield from (Fault(entry.path, problem) for problem in _rows(path, entry, check))


def _rows(path: Path, entry: FileEntry, check: RowCheck) -> Iterator[str]:
    file = pq.ParquetFile(path)
    if file.metadata.num_rows != entry.rows:
        yield f"the file has {file.metadata.num_rows} rows, not {entry.rows}"
    problems = list(check.columns(file.schema_arrow))
    yield from problems
    first = 0
    for group in range(0 if problems else file.num_row_groups):
        table: pa.Table = file.read_row_group(group)
        yield from check.rows(table, first)
        first += table.num_rows


def _strangers(layout: Layout, manifest: Manifest) -> list[str]:
    known = {entry.path for entry in manifest.shards}
    return sorted(path.name for path in layout.data.glob("*.parquet") if layout.relative(path) not in known)
