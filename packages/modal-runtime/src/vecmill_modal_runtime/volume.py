"""Volume: where sources, weights and datasets are, the same path in every container."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import modal

from vecmill.errors import ConfigError, StoreError
from vecmill.models import describe_model, fetch_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


MOUNT = Path("/mnt/vecmill")
"""Where the Volume is in a container."""
BUCKET = Path("/mnt/bucket")
"""Where the bucket is, if the job has one."""
NAME = "VECMILL_VOLUME"
"""The variable with the Volume's name; it is part of the image, so every container has it."""
DEFAULT = "vecmill"

SOURCES, WEIGHTS, RUNS = MOUNT / "sources", MOUNT / "weights", MOUNT / "runs"


def volume(name: str | None = None) -> modal.Volume:
    """Return the Volume, which is made when it is first used. Version 2: many writers, no limit on files."""
    return modal.Volume.from_name(name or os.environ.get(NAME, DEFAULT), create_if_missing=True, version=2)


def commit() -> None:
    """Let other containers see what this one wrote. Files get their names when they are complete: nobody sees a half.

    Raises:
        StoreError: Modal does not take it.
    """
    with _translate_errors("what this container wrote could not be committed to the Volume"):
        volume().commit()


def reload() -> None:
    """See what other containers have committed.

    Raises:
        StoreError: Modal does not give it, or a file of the Volume is open in this container.
    """
    with _translate_errors("what other containers wrote to the Volume could not be seen"):
        volume().reload()


@contextlib.contextmanager
def ending_with(step: Callable[[], None]) -> Iterator[None]:
    """Commit or reload at the end, also of what fails; if that fails too, the first failure is the one to report."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(StoreError):
            step()
        raise
    step()


def on_volume(folder: Path) -> str:
    """Return where a folder of a container is, from the Volume's root.

    Raises:
        ConfigError: No other container can see it.
    """
    if MOUNT not in folder.parents:
        raise ConfigError(
            f"the dataset would be made in {folder}, which no other container sees: let the 'parquet' publisher's path "
            f"begin with {MOUNT}/"
        )
    return str(folder.relative_to(MOUNT))


@contextlib.contextmanager
def _translate_errors(what: str) -> Iterator[None]:
    """Turn what Modal's client raises into an error of ours; an open file is a ``RuntimeError`` to it."""
    try:
        yield
    except (modal.exception.Error, RuntimeError) as error:
        raise StoreError(f"{what} ({error}): run again; what is done is kept") from error


def put(path: Path, name: str, to: str = "") -> Path:
    """Put a file or a folder of this machine among the sources on the Volume.

    Args:
        path: The file or folder; hidden files of a folder stay behind.
        name: The Volume's name.
        to: What to call it there; by default what it is called here.

    Returns:
        Where it is in containers: the ``source.path`` of a job.

    Raises:
        ConfigError: There is nothing to upload.
    """
    target = SOURCES / (to.strip("/") or path.resolve().name)
    if SOURCES not in Path(os.path.normpath(target)).parents:
        raise ConfigError(f"--to {to}: name a path below the sources, such as articles/2026")
    inside = {path: target} if path.is_file() else {found: target / found.relative_to(path) for found in _files(path)}
    if not inside:
        raise ConfigError(f"there is no file {path}, and no folder of that name with files in it (in {Path.cwd()})")
    upload({here: f"/{there.relative_to(MOUNT)}" for here, there in inside.items()}, name)
    return target


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*"))
    return [path for path in found if path.is_file() and not _is_hidden(path.relative_to(folder))]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def upload(files: Mapping[Path, str], name: str | None = None) -> None:
    """Put files of this machine on the Volume, from outside of any container.

    Args:
        files: The path on the Volume of each.
        name: The Volume's name.
    """
    with volume(name).batch_upload(force=True) as batch:
        for path, target in files.items():
            batch.put_file(path, target)


PATTERNS = ["*.json", "*.txt", "*.model", "*.safetensors"]


def store_model(model: str, revision: str | None) -> None:
    """Put a model of the Hub on the Volume, unless it is there.

    Args:
        model: A Hub id; a folder or a ``package:`` reference is in the image, and nothing is done.
        revision: The commit.
    """
    if not _of_hub(model) or (revision and _cache_path(model, revision).is_dir()):
        return
    snapshot = fetch_model(model, revision, PATTERNS)
    target = _cache_path(model, snapshot.name)
    if not target.is_dir():
        _copy(snapshot, target)
        commit()


def fetch_near(model: str, revision: str | None) -> Path:
    """Return a folder of this container with the model, taken from the Volume if it is there."""
    if not _of_hub(model):
        return describe_model(model).root
    if revision:
        from huggingface_hub.constants import HF_HUB_CACHE

        reload()  # what a container sees at its start may be older than what the driver has put there
        stored = _cache_path(model, revision)
        near = Path(HF_HUB_CACHE) / stored.relative_to(WEIGHTS)
        if stored.is_dir() and not near.is_dir():
            _copy(stored, near)
        if near.is_dir():
            return near
    return fetch_model(model, revision, PATTERNS)


def _of_hub(model: str) -> bool:
    return not model.startswith("package:") and not Path(model).is_dir()


def _cache_path(model: str, revision: str) -> Path:
    return WEIGHTS / f"models--{model.replace('/', '--')}" / "snapshots" / revision


def _copy(source: Path, target: Path) -> None:
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial)  # links into the cache become the files they point to
    partial.rename(target)
