"""Files of a dataset's folder: each is complete or not there; JSON records, and the manifest."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from vecmill.errors import StoreError
from vecmill.records import FORMAT, Dataset, LocalOptions, Manifest
from vecmill.sanitize import escape_json, require_utf8
from vecmill.store.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO


class HashingFile:
    """A binary file that knows the sha256 of what was written to it, without reading it back."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        """Write and hash."""
        self._digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Flush to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Say that no more will come; the file itself is closed by whoever opened it."""
        self.closed = True

    @property
    def sha256(self) -> str:
        """The hash in hex."""
        return self._digest.hexdigest()


@contextlib.contextmanager
def atomic(target: Path, temporary: Path) -> Iterator[HashingFile]:
    """Write a file under another name in ``temporary`` and move it to ``target`` when it is complete.

    Raises:
        StoreError: It cannot be written: no space, no permission.
    """
    partial = temporary / f"{target.name}.{os.getpid()}.partial"
    try:
        for folder in (temporary, target.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            hashing = HashingFile(file)
            yield hashing
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):  # the error above says more
            partial.unlink(missing_ok=True)


def write_bytes(target: Path, temporary: Path, data: bytes) -> None:
    """Write a small file: it is complete or not there."""
    with atomic(target, temporary) as file:
        file.write(data)


def read_text(path: Path) -> str:
    """Return the text of a small file that people may have written in; of one that cannot be read none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def sha256(path: Path) -> str:
    """Hash a file without reading it into memory; in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove(path: Path) -> None:
    """Remove a file, a folder or a link, if it is there; what a link leads to stays.

    Raises:
        StoreError: It cannot be removed.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot remove {path}: {error.strerror or error}") from error


def remove_file(path: Path) -> None:
    """Remove a file or a link, if it is there; a folder of that name is not ours, and stays.

    Raises:
        StoreError: It cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot remove {path}: {error.strerror or error}") from error


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
    key = ".".join(map(str, first["loc"]))
    reason = f"{key}: {first['msg']}".removeprefix(": ")
    return reason if len(reason) <= SHOWN else f"{reason[:SHOWN]}…"


def write_local_options(layout: Layout, location: LocalOptions) -> None:
    """Keep what is known on this machine alone, unless it is there; no file is left if that is nothing."""
    if not location.embedder:
        remove(layout.local_options)
    elif location != read_local_options(layout):
        write_json(layout, layout.local_options, location)


def read_local_options(layout: Layout) -> LocalOptions:
    """Return what is known on this machine alone.

    A damaged file stops nobody who can do without it: its error is raised for those who need it.
    """
    try:
        return _read(layout.local_options, LocalOptions) or LocalOptions()
    except (OSError, ValidationError) as error:
        return LocalOptions(error=f"{layout.local_options} cannot be read ({_reason(error)})")


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
    manifest, location = read_json(layout.manifest, Manifest), read_local_options(layout)
    fit = manifest is not None and (location.error or location.run_id == manifest.run_id)
    return manifest and manifest.model_copy(update={"local_options": location if fit else LocalOptions()})


def finished_manifest(layout: Layout) -> Manifest:
    """Read the manifest of a finished dataset.

    Raises:
        ConfigError: The folder's name is not UTF-8, and Parquet's library opens no file by such a name.
        StoreError: There is none, it is damaged, or it was written by another version of vecmill.
    """
    require_utf8(layout.root)
    manifest = read_manifest(layout)
    if manifest is None:
        raise StoreError(f"{layout.root} holds no finished dataset: {_why_not(layout)}")
    return manifest


def manifest_sha256(dataset: Dataset) -> str:
    """Return the sha256 of a dataset's ``manifest.json``, in hex; on another machine it is as it was written there."""
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
