"""Fingerprint: a hash of what a source holds, wherever it lies."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from vecmill.protocols import Source
    from vecmill.sources.files import File, Stamp

_known: dict[tuple[Path, Stamp], str] = {}


def fingerprint(source: Source[Any], config: BaseModel, content: object) -> str:
    """Hash ``content`` together with the options that change what is read from it."""
    options = config.model_dump(mode="json", exclude=set(source.location))
    told = {"source": source.name, "version": source.version, "options": options, "content": content}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def contents(files: Sequence[File]) -> list[tuple[str, int, str]]:
    """Return the name, size and sha256 of each file."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        return [
            (file.name, file.stamp.size, sha256) for file, sha256 in zip(files, pool.map(_sha256, files), strict=True)
        ]


def _sha256(file: File) -> str:
    key = (file.path.absolute(), file.stamp)
    if key not in _known:
        with file.open() as stream:
            _known[key] = hashlib.file_digest(stream, "sha256").hexdigest()
    return _known[key]
