"""Settings: the JSON files that describe a model, read with one clear error.

They are read here alone, so that a run knows which files of a folder decide its vectors.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from vecmill.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Shape = TypeVar("Shape", dict, list)  # type: ignore[type-arg]  # of whatever JSON holds
_reads: ContextVar[dict[Path, str] | None] = ContextVar("reads", default=None)


@contextlib.contextmanager
def record_reads() -> Iterator[dict[Path, str]]:
    """Collect which settings are read inside the block, each with the sha256, in hex, of what was read."""
    reads: dict[Path, str] = {}
    token = _reads.set(reads)
    try:
        yield reads
    finally:
        _reads.reset(token)


def read_settings(path: Path, shape: type[Shape]) -> Shape | None:
    """Read a JSON file of a model.

    Args:
        path: The file.
        shape: What it must hold at the top, ``dict`` or ``list``.

    Returns:
        Its content, or ``None`` where there is no such file.

    Raises:
        ModelError: The file is damaged.
    """
    try:
        data = path.read_bytes()
        if (reads := _reads.get()) is not None:
            reads[path] = hashlib.sha256(data).hexdigest()
        content = json.loads(data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}. Get the model's files again.") from error
    if not isinstance(content, shape):
        raise ModelError(
            f"{path} holds a {type(content).__name__}, not a {shape.__name__}. Get the model's files again."
        )
    return content
