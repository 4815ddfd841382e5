"""The dataset folder: layout, shards, receipts, manifest, and the check of all of them.

Public, for publishers and launchers: what ``__all__`` names. It is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vecmill.store.card import RUNS, Location, format_card, list_runs, read_user_section
    from vecmill.store.destination import check_files, check_folder, is_same_folder
    from vecmill.store.files import finished_manifest, read_json, read_manifest, sha256, write_bytes
    from vecmill.store.layout import Layout
    from vecmill.store.mirror import Mirror
    from vecmill.store.parquet import parquet_file
    from vecmill.store.vectors import VARIANTS, refuse_clash, shrink_vectors

_HOMES = {
    "card": ("RUNS", "Location", "format_card", "list_runs", "read_user_section"),
    "destination": ("check_files", "check_folder", "is_same_folder"),
    "files": ("finished_manifest", "read_json", "read_manifest", "sha256", "write_bytes"),
    "layout": ("Layout",),
    "mirror": ("Mirror",),
    "parquet": ("parquet_file",),
    "vectors": ("VARIANTS", "refuse_clash", "shrink_vectors"),
}

__all__ = [
    "RUNS",
    "VARIANTS",
    "Layout",
    "Location",
    "Mirror",
    "check_files",
    "check_folder",
    "finished_manifest",
    "format_card",
    "is_same_folder",
    "list_runs",
    "parquet_file",
    "read_json",
    "read_manifest",
    "read_user_section",
    "refuse_clash",
    "sha256",
    "shrink_vectors",
    "write_bytes",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - it is what is stated above for type checkers
    """Import a public name when it is first used."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"vecmill.store.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
