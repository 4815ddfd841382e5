"""Files: a store lists them with their identity and opens them; a format reads an open one, from whatever store.

The formats are in ``vecmill.sources``. Public: what ``__all__`` names. The Hub's client is imported when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vecmill.files.store import SHARED, File, LocalFile, Store, find, hash_contents, open_store, pin

if TYPE_CHECKING:
    from vecmill.files.fsspec import FsspecFile, FsspecStore
    from vecmill.files.hub_repo import HubFile, HubRepo, reading

_HOMES = {"fsspec": ("FsspecFile", "FsspecStore"), "hub_repo": ("HubFile", "HubRepo", "reading")}

__all__ = [
    "SHARED",
    "File",
    "FsspecFile",
    "FsspecStore",
    "HubFile",
    "HubRepo",
    "LocalFile",
    "Store",
    "find",
    "hash_contents",
    "open_store",
    "pin",
    "reading",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - it is what is stated above for type checkers
    """Import a public name when it is first used."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"vecmill.files.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
