"""Strangers: files in a dataset's folder that its manifest does not name, and that readers would take for its own."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from vecmill.store.claims import published_name, shard_folder
from vecmill.store.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vecmill.records import Manifest
    from vecmill.store.layout import Layout

RUNS = "<!-- runs, newest first: {} -->"
"""A line of a published card: the runs that the repo has."""
SUFFIX = ".parquet"
_RUNS = re.compile(RUNS.format("(.*?)"))


def strangers(layout: Layout, manifest: Manifest) -> Iterator[str]:
    """Yield the paths of files that are not the dataset's: in ``data`` at any depth, and Parquet files beside it.

    In a copy of a repo of the Hub, older runs and smaller vectors are no strangers.
    """
    known = {entry.path for entry in [*manifest.shards, *([manifest.quarantine] if manifest.quarantine else [])]}
    allowed = _published_pattern(layout, manifest)
    for path in _readable(layout):
        name = layout.relative(path)
        if name not in known and not (allowed and allowed.fullmatch(name)):
            yield name


def listed_runs(readme: str) -> list[str]:
    """Return the runs that a published card lists, newest first."""
    found = _RUNS.search(readme)
    return found[1].split() if found else []


def _published_pattern(layout: Layout, manifest: Manifest) -> re.Pattern[str] | None:
    """Return what else a copy of a repo may have; ``None`` for a dataset that was not published."""
    name = published_name(manifest)
    if shard_folder(manifest) != f"data/{name}":
        return None
    try:
        runs = listed_runs(layout.card.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        runs = []
    shards = _any_of(Path(entry.path).name for entry in manifest.shards)
    return re.compile(f"data/(?:{_any_of(run for run in runs if run != name)}/.+|{name}/{_any_of(VARIANTS)}/{shards})")


def _any_of(names: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, names)) or '(?!)'})"


def _readable(layout: Layout) -> Iterator[Path]:
    """Yield what readers may find: they look for a suffix, whatever its case, or take all that is in a folder."""
    if layout.root.is_dir():
        yield from (path for path in sorted(layout.root.iterdir()) if _is_parquet(path) and not path.is_dir())
    for folder, folders, files in os.walk(layout.data):
        here = Path(folder)
        for path in sorted(here / name for name in [*files, *(name for name in folders if (here / name).is_symlink())]):
            if _is_parquet(path) or not any(part.startswith(".") for part in path.relative_to(layout.data).parts):
                yield path


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == SUFFIX
