"""Mutation: a value of JSON within the input becomes another one, of any type. Bytes are left to the fuzzer itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 3, 1.5, 1e308, 10**30, -(2**63)),
    *("", "x", "mean", "\ud800", "a/b", "..", [], [[]], [1], ["a"], {}, {"a": 1}, {"name": "x"}),
)
SHARE = 0.5


def mutated(data: bytes, chance: random.Random) -> bytes | None:
    """Return the input with a value replaced or left out; ``None`` if it holds no JSON, and half of the time."""
    parts = data.split(b"\0")
    index = chance.randrange(len(parts))
    head, content = _json_in(parts[index])
    if content is None or chance.random() < SHARE:
        return None
    key_path = chance.choice(list(_key_paths(content)))
    parts[index] = head + json.dumps(_changed(content, key_path, chance)).encode()
    return b"\0".join(parts)


def _json_in(part: bytes) -> tuple[bytes, Any]:
    starts = [at for at in (part.find(b"{"), part.find(b"[")) if at >= 0]
    try:
        return part[: min(starts)], json.loads(part[min(starts) :])
    except (ValueError, RecursionError):
        return b"", None


def _key_paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON is anything
    yield before
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _key_paths(item, (*before, key))


def _changed(value: Any, key_path: tuple[Any, ...], chance: random.Random) -> Any:  # noqa: ANN401 - (the same)
    if not key_path:
        return chance.choice(VALUES)
    around = value
    for key in key_path[:-1]:
        around = around[key]
    if chance.random() < SHARE / 2:
        del around[key_path[-1]]
    else:
        around[key_path[-1]] = chance.choice(VALUES)
    return value
