"""Settings: the JSON files that describe a model, read with one clear error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from vecmill.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

Shape = TypeVar("Shape", dict, list)  # type: ignore[type-arg]  # of whatever JSON holds


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
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}. Get the model's files again.") from error
    if not isinstance(content, shape):
        raise ModelError(
            f"{path} holds a {type(content).__name__}, not a {shape.__name__}. Get the model's files again."
        )
    return content
