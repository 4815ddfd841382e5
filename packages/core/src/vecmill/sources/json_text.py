"""parse: one line of JSON."""

from __future__ import annotations

import json
from typing import Any

import orjson


class NotJsonError(ValueError):
    """A line is not JSON; the message goes on after "line 12"."""


def parse(data: bytes) -> tuple[Any, bool]:
    """Read a line of JSON.

    Returns:
        The value, and whether all strings in it are sure to be valid Unicode.

    Raises:
        NotJsonError: It is not JSON.
    """
    try:
        return orjson.loads(data), True
    except orjson.JSONDecodeError:
        # The slow parser takes what the fast one does not (lone surrogates, NaN), and says more exactly what is wrong.
        return _patiently(data), False


def kind(value: object) -> str:
    """Name a JSON value's type."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "null")


def unicode(value: object) -> bool:
    """Whether all strings in a value are valid Unicode: a lone surrogate, which JSON can write, is not."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _patiently(data: bytes) -> Any:  # noqa: ANN401 (JSON is anything)
    try:
        return json.loads(data.decode("utf-8", "surrogatepass").rstrip())
    except json.JSONDecodeError as error:
        raise NotJsonError(f"is not valid JSON: {error.msg} at character {error.pos + 1}") from error
    except UnicodeDecodeError as error:
        raise NotJsonError(f"is not valid UTF-8: {error.reason} at byte {error.start + 1}") from error
    except (ValueError, RecursionError) as error:
        raise NotJsonError(f"is not valid JSON: {error}") from error
