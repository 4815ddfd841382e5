"""Shelf: the editions of a dataset that are finished, and which of them is the current one.

runs/wikipedia-b04c8d1c-3fa9c1/       an edition
runs/wikipedia-b04c8d1c-3fa9c1.json   its record: it is finished, verified and published
runs/wikipedia.json                   the record of the current one, written last
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecmill.errors import StoreError
from vecmill.store.files import write_bytes
from vecmill.store.json import read_json, read_manifest
from vecmill.store.layout import Layout
from vecmill_modal_runtime.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyarrow.dataset import Dataset

    from vecmill.records import ComponentSpec, Manifest
    from vecmill_modal_runtime.edition import Edition


class Shelf:
    """The editions of one dataset.

    Args:
        root: The folder of all runs.
        name: The dataset's name.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name

    @property
    def current(self) -> Record | None:
        """The current edition."""
        return read_json(self._file(self.name), Record)

    def find(self, folder: str = "") -> Path:
        """Return the folder of an edition; of the current one by default.

        Raises:
            StoreError: There is none.
        """
        record = read_json(self._file(folder), Record) if folder else self.current
        if record is None:
            there = ", ".join(sorted(record.folder for record in self._records())) or "none"
            raise StoreError(
                f"there is no finished run {folder or self.name!r} in {self.root} (there are: {there}): "
                "`modal run -m apps.wikipedia` makes one"
            )
        return self.root / record.folder

    def unchanged(self, edition: Edition, publish: list[ComponentSpec]) -> Record | None:
        """Return the record of an edition if it is finished, published there, and all of its files are in place.

        Files are compared by size: hashes are for ``verify``.
        """
        record = read_json(self._file(edition.folder), Record)
        if record is None or (record.revision, record.recipe) != (edition.revision, edition.recipe):
            return None
        layout = Layout(self.root / record.folder)
        manifest = read_manifest(layout)
        whole = manifest is not None and manifest.run_id == record.run_id and _in_place(layout, manifest)
        return record if whole and record.publish == publish else None

    def add(self, record: Record) -> None:
        """Write an edition's record, and make it the current one, unless it is a sample of what there is in full."""
        self._write(self._file(record.folder), record)
        now = self.current
        if now is None or now.sample or not record.sample:
            self._write(self._file(self.name), record)

    def outdated(self, keep: int) -> list[Record]:
        """Return the older revisions of the current edition that need not stay.

        Editions of another recipe, samples, and what is not finished stay.

        Args:
            keep: How many stay, the current one included; 0 for all.
        """
        current = self.current
        if current is None or keep == 0:
            return []
        same = [record for record in self._records() if record.recipe == current.recipe]
        same.sort(key=lambda record: (record.folder == current.folder, record.finished), reverse=True)
        return same[keep:]

    def remove(self, record: Record) -> None:
        """Remove an edition, and the source files that only it was made from.

        Raises:
            StoreError: Some of it is left.
        """
        # the record first: what has none is not finished, whatever is left of it
        self._file(record.folder).unlink()
        _remove(self.root / record.folder)
        if record.kept and not any(other.kept == record.kept for other in self._all_records()):
            _remove(Path(record.kept))

    def _records(self) -> Iterator[Record]:
        """Yield the records of this dataset's editions; another one's name may begin with its name."""
        return (record for record in self._all_records() if record.name == self.name)

    def _all_records(self) -> Iterator[Record]:
        for file in sorted(self.root.glob("*-*.json")):
            record = read_json(file, Record)
            if record is not None and record.folder == file.stem:
                yield record

    def _file(self, name: str) -> Path:
        return self.root / f"{name}.json"

    def _write(self, target: Path, record: Record) -> None:
        write_bytes(target, self.root, record.model_dump_json(indent=2).encode() + b"\n")


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(
            f"{folder} could not be removed ({error}): `modal volume rm -r` removes what is left"
        ) from error


def open_dataset(root: Path, name: str, run: str = "") -> Dataset:
    """Open an edition of a dataset as one table; the current one by default.

    Raises:
        StoreError: There is none.
    """
    from pyarrow.dataset import dataset

    return dataset(Shelf(root, name).find(run) / "data", format="parquet")


def _in_place(layout: Layout, manifest: Manifest) -> bool:
    entries = [*manifest.shards, *([manifest.quarantine] if manifest.quarantine else [])]
    found: dict[str, Any] = {path.name: path.stat().st_size for path in layout.data.glob("*.parquet")}
    if layout.quarantine.is_file():
        found[layout.quarantine.name] = layout.quarantine.stat().st_size
    return all(found.get(Path(entry.path).name) == entry.bytes for entry in entries)
