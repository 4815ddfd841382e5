"""What the tests of sources share: reading a source as workers do, and a Hub to read from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from doubles.hub import HubDouble
from vecmill.records import Partition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vecmill.protocols import Source


def _read_all(source: Source[Any], target_bytes: int = 1 << 20) -> pa.Table:
    """Plan with one instance, read each partition with another, as a worker does from the task's JSON."""
    batches: list[pa.RecordBatch] = []
    for partition in source.partitions(target_bytes):
        travelled = Partition.model_validate_json(partition.model_dump_json())
        worker = type(source)(type(source).Config.model_validate_json(source.config.model_dump_json()))
        found = list(worker.read(travelled))
        assert sum(batch.num_rows for batch in found) == partition.documents
        batches += found
    assert all(batch.num_rows > 0 for batch in batches)
    return pa.Table.from_batches(batches)


@pytest.fixture
def read_all() -> Callable[..., pa.Table]:
    """Read a whole source, partition by partition, each in a fresh instance."""
    return _read_all


@pytest.fixture
def write_lines(tmp_path: Path) -> Callable[..., Path]:
    """Write JSON objects, or bytes as they are, to a file with a line for each."""

    def write(*rows: object, name: str = "articles.jsonl") -> Path:
        path = tmp_path / name
        lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return path

    return write


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubDouble]:
    """A Hub, known to the client library in this process and in those it starts."""
    from huggingface_hub import constants

    with HubDouble(tmp_path / "hub") as double:
        monkeypatch.setenv("HF_ENDPOINT", double.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, double.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", double.url)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
        yield double
