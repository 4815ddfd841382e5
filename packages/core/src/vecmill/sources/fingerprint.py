"""Fingerprint: a hash of what a source holds, wherever it lies."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING, Any

from vecmill.concurrency import Threads

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from vecmill.protocols import Source
    from vecmill.sources.files import File, Stamp

STATEMENTS = frozenset({"license", "language"})
"""Options that are said of the text and change nothing in it."""
BLOCK = 1 << 20
_known: dict[tuple[Path, Stamp], str] = {}


def fingerprint(source: Source[Any], config: BaseModel, content: object) -> str:
    """Hash ``content`` together with the options that change what is read from it."""
    options = config.model_dump(mode="json", exclude=set(source.location))
    told = {"source": source.name, "version": source.version, "options": options, "content": content}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def contents(files: Sequence[File]) -> list[tuple[str, int, str]]:
    """Return the name, size and sha256 of each file."""
    over = threading.Event()
    with Threads() as threads:
        try:
            hashed = threads.map(lambda file: _sha256(file, over), files)
            return [(file.name, file.stamp.size, sha256) for file, sha256 in zip(files, hashed, strict=True)]
        finally:
            over.set()  # an interrupted command does not wait for what is left of its files


def content_hash(file: File) -> str:
    """Return the sha256 of a file; it is read once in a process."""
    return _sha256(file, threading.Event())


def known_hash(file: File) -> str | None:
    """Return the sha256 of a file, if it was read in this process."""
    return _known.get((file.path.absolute(), file.stamp))


def _sha256(file: File, over: threading.Event) -> str:
    key = (file.path.absolute(), file.stamp)
    if key not in _known:
        digest = hashlib.sha256()
        with file.open() as stream:
            while (block := stream.read(BLOCK)) and not over.is_set():
                digest.update(block)
        if over.is_set():
            return ""  # to nobody
        _known[key] = digest.hexdigest()
    return _known[key]
