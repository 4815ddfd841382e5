"""Source rows: any file is read to its end, or refused; what is read does not depend on how it is split."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.errors import VecmillError
from vecmill.plugins.registry import validate_options
from vecmill.sources import CsvSource, JsonlSource, ParquetSource
from vecmill.testing import check_source

if TYPE_CHECKING:
    from vecmill import Source

CONFIGS: tuple[dict[str, Any], ...] = (
    {},
    {"keep": ["a"]},
    {"columns": {"id": ""}},
    {"columns": {"text": "body", "title": "a"}},
    {"limit": 2},
)
KINDS = ("jsonl", "csv", "parquet", "tsv")
TARGET_BYTES = 256


def check(data: bytes) -> None:
    """Read a file: the first byte says of what kind, and with which options."""
    if not data:
        return
    kind, config = KINDS[data[0] % len(KINDS)], CONFIGS[data[0] // len(KINDS) % len(CONFIGS)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows.{kind}"
        if not _write(path, data[1:]):
            return
        try:
            check_source(_source(kind, {"path": str(path), **config}), TARGET_BYTES)
        except VecmillError as error:
            assert str(error).strip()


def _source(kind: str, config: dict[str, Any]) -> Source[Any]:
    classes: dict[str, Any] = {"jsonl": JsonlSource, "csv": CsvSource, "tsv": CsvSource, "parquet": ParquetSource}
    cls = classes[kind]
    source: Source[Any] = cls(validate_options(cls, "source", config))
    return source


def _write(path: Path, content: bytes) -> bool:
    """Write the file; rows of Parquet are given as JSON, or as bytes with lines for rows."""
    if path.suffix != ".parquet":
        path.write_bytes(content)
        return True
    table = _table(content)
    if table is not None:
        pq.write_table(table, path, row_group_size=3)
    return table is not None


def _table(content: bytes) -> pa.Table | None:
    try:
        return pa.Table.from_pylist(json.loads(content))
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError, pa.ArrowException):
        # Bytes that Arrow takes for text without looking: other writers do that.
        lines = pa.array(content.split(b"\n"), pa.binary())
        text = pa.StringArray.from_buffers(len(lines), *lines.buffers()[1:], lines.buffers()[0])
        return pa.table({"id": pa.array(range(len(lines))), "text": text, "a": text, "body": text})
