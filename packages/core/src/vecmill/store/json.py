"""JSON files of the store: read with one clear message, written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import stat
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from vecmill.errors import StoreError
from vecmill.paths import writable_down
from vecmill.records import FORMAT, Dataset, Manifest, Places
from vecmill.redaction import escape_json
from vecmill.store.files import remove, sha256, write_bytes
from vecmill.store.layout import Layout

MOST_BYTES = 1 << 28
"""Of a record; the manifest of a million shards has fewer."""
SHOWN = 400
"""Characters of a reason; a key of a manifest may be of any length."""

ModelT = TypeVar("ModelT", bound=BaseModel)


def write_json(layout: Layout, target: Path, record: BaseModel) -> None:
    """Write a record as indented JSON."""
    write_bytes(target, layout.temporary, _encode(record))


def _encode(record: BaseModel) -> bytes:
    return escape_json(record.model_dump_json(indent=2)).encode() + b"\n"


def read_json(path: Path, kind: type[ModelT]) -> ModelT | None:
    """Read a record; ``None`` if there is no such file.

    Raises:
        StoreError: It is there, but is damaged or unreadable.
    """
    try:
        return _read(path, kind)
    except (OSError, ValidationError) as error:
        raise StoreError(f"{path} cannot be read ({_reason(error)}): restore it, or choose another folder") from error


def _read(path: Path, kind: type[ModelT]) -> ModelT | None:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # to read a pipe is to wait for who writes into it
            raise OSError(errno.EINVAL, "it is not a file")
        if found.st_size > MOST_BYTES:
            raise OSError(errno.EFBIG, f"it has {found.st_size:,} bytes")
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None


def _reason(error: OSError | ValidationError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    reason = f"{place}: {first['msg']}".removeprefix(": ")
    return reason if len(reason) <= SHOWN else f"{reason[:SHOWN]}…"


def write_places(layout: Layout, places: Places) -> None:
    """Keep what is known on this machine alone, unless it is there; no file is left if that is nothing."""
    if not places.embedder:
        remove(layout.places)
    elif places != read_places(layout):
        write_json(layout, layout.places, places)


def read_places(layout: Layout) -> Places:
    """Return what is known on this machine alone.

    A damaged file stops nobody who can do without it: what is wrong is told to those who ask for a place.
    """
    try:
        return _read(layout.places, Places) or Places()
    except (OSError, ValidationError) as error:
        return Places(fault=f"{layout.places} cannot be read ({_reason(error)})")


class _Format(BaseModel):
    format: int | None = None


def read_manifest(layout: Layout) -> Manifest | None:
    """Read a dataset's manifest; ``None`` if it has none yet.

    Raises:
        StoreError: It is damaged, or was written by another version of vecmill.
    """
    version = read_json(layout.manifest, _Format)
    if version is not None and version.format is None:
        raise StoreError(f"{layout.manifest} is not a manifest of vecmill: choose another folder")
    if version is not None and version.format != FORMAT:
        raise StoreError(
            f"{layout.manifest} has format {version.format}, and this vecmill reads format {FORMAT}: "
            "use the version that wrote it, or choose another folder"
        )
    manifest, places = read_json(layout.manifest, Manifest), read_places(layout)
    fit = manifest is not None and (places.fault or places.run_id == manifest.run_id)
    return manifest and manifest.model_copy(update={"places": places if fit else Places()})


def finished_manifest(layout: Layout) -> Manifest:
    """Read the manifest of a finished dataset.

    Raises:
        ConfigError: The folder's name is not UTF-8, and Parquet's library opens no file by such a name.
        StoreError: There is none, it is damaged, or it was written by another version of vecmill.
    """
    writable_down(layout.root)
    manifest = read_manifest(layout)
    if manifest is None:
        raise StoreError(f"{layout.root} holds no finished dataset: {_why_not(layout)}")
    return manifest


def manifest_sha256(dataset: Dataset) -> str:
    """Return the sha256 of a dataset's ``manifest.json``, in hex; of a dataset elsewhere, as it was written there."""
    if dataset.fetch is None:
        return sha256(Layout(dataset.path).manifest)
    return hashlib.sha256(_encode(dataset.manifest)).hexdigest()


def manifest_content(layout: Layout, manifest: Manifest) -> bytes:
    """Return a manifest as it is written in its folder, whichever version did: every copy has the same sha256."""
    try:
        content = layout.manifest.read_bytes()
        if Manifest.model_validate_json(content).model_dump() == manifest.model_dump():
            return content
    except (OSError, ValidationError):
        pass
    return _encode(manifest)


def _why_not(layout: Layout) -> str:
    if layout.mirror.exists():
        return "a copy of one was begun there and is not finished; publish to it again, which finishes it"
    if layout.state.exists():
        return "its run is not finished; the same `vecmill run` command again finishes it"
    return "vecmill made nothing there" if layout.root.exists() else "there is no such folder"


def open_dataset(path: str | Path) -> Dataset:
    """Open a finished dataset: what its manifest says. No row is read, and nothing is checked; ``verify`` does that.

    Raises:
        StoreError: There is no finished dataset, or its manifest cannot be read.
    """
    layout = Layout(Path(path))
    return Dataset(layout.root, finished_manifest(layout))
