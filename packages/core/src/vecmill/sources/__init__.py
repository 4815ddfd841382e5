"""Sources: components that read documents, and the formats that read the files of any store.

Public: what ``__all__`` names. It is imported when it is first used, for Arrow and pydantic take their time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vecmill.sources.base import RowRange, SourceConfig, Unit, fingerprint
    from vecmill.sources.batches import slice_rows, split_batch, translate_errors
    from vecmill.sources.corpus import Corpus
    from vecmill.sources.files_source import (
        CsvSource,
        FilesSource,
        Format,
        JsonlSource,
        ParquetSource,
        Table,
        TableFormat,
    )
    from vecmill.sources.hub import HubSource, layout
    from vecmill.sources.parquet import ParquetFormat
    from vecmill.sources.text import TextFormat, read_lines

_HOMES = {
    "base": ("RowRange", "SourceConfig", "Unit", "fingerprint"),
    "batches": ("slice_rows", "split_batch", "translate_errors"),
    "corpus": ("Corpus",),
    "files_source": ("CsvSource", "FilesSource", "Format", "JsonlSource", "ParquetSource", "Table", "TableFormat"),
    "hub": ("HubSource", "layout"),
    "parquet": ("ParquetFormat",),
    "text": ("TextFormat", "read_lines"),
}

__all__ = [
    "Corpus",
    "CsvSource",
    "FilesSource",
    "Format",
    "HubSource",
    "JsonlSource",
    "ParquetFormat",
    "ParquetSource",
    "RowRange",
    "SourceConfig",
    "Table",
    "TableFormat",
    "TextFormat",
    "Unit",
    "fingerprint",
    "layout",
    "read_lines",
    "slice_rows",
    "split_batch",
    "translate_errors",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - it is what is stated above for type checkers
    """Import a public name when it is first used."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"vecmill.sources.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
