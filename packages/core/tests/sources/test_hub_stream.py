"""HubStream: what is not Parquet is streamed by the datasets library, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from doubles.hub import HubDouble

# datasets reads its settings when it is imported.
READ = """
import json, sys
from vecmill.errors import VecmillError
from vecmill.sources.hub import HubSource
options, target, without = json.loads(sys.argv[1])
if without:
    sys.modules["datasets"] = None
try:
    source = HubSource(HubSource.Config(**options))
    source = HubSource(source.pinned())
    partitions = list(source.partitions(target))
    worker = HubSource(source.config)
    rows = [row for part in partitions for batch in worker.read(part) for row in batch.to_pylist()]
    print(json.dumps({"rows": rows, "bytes": [part.bytes for part in partitions]}))
except VecmillError as error:
    print(json.dumps({"error": type(error).__name__, "told": str(error)}))
"""


def _read(target: int = 1 << 20, *, without: bool = False, **options: object) -> dict[str, Any]:
    task = json.dumps([{"repo": "user/json", **options}, target, without])
    done = subprocess.run([sys.executable, "-c", READ, task], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(autouse=True)
def folder(hub: HubDouble, tmp_path: Path) -> Path:
    """A dataset of three JSON Lines files."""
    root = tmp_path / "repo"
    root.mkdir()
    for name in "abc":
        lines = [json.dumps({"text": f"{name}{row}", "lang": "en"}) for row in range(5)]
        (root / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    hub.add("dataset", "user/json", root)
    return root


def test_files_are_streamed_in_order() -> None:
    """A file is the least a partition can be; its number stands before its rows' numbers."""
    small, large = _read(target=1, keep=["lang"]), _read(target=1 << 20, keep=["lang"])

    assert [row["text"] for row in small["rows"]] == [f"{name}{row}" for name in "abc" for row in range(5)]
    assert [row["id"] for row in small["rows"]] == [f"{number}:{row}" for number in range(3) for row in range(5)]
    assert small["rows"] == large["rows"]
    assert [len(set(small["bytes"])), len(small["bytes"]), len(large["bytes"])] == [1, 3, 1]
    assert sum(small["bytes"]) == sum(large["bytes"]) > 0


def test_a_limit_is_met_exactly() -> None:
    """Through several files, with the rows numbered."""
    assert [row["id"] for row in _read(target=1, limit=7)["rows"]] == [str(row) for row in range(7)]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"split": "test"}, "cannot read user/json (test)"),
        ({"config": "x"}, "BuilderConfig 'x' not found"),
        ({"columns": {"text": "body"}}, "user/json (train) has no column 'body'. It has: text, lang."),
    ],
)
def test_what_is_not_there_is_a_configuration_error(options: dict[str, Any], told: str) -> None:
    """In the words of the datasets library where it knows better."""
    answer = _read(**options)

    assert answer["error"] == "ConfigError"
    assert told in answer["told"]


def test_a_missing_library_says_what_to_install() -> None:
    """The library is an extra: most sources do without."""
    answer = _read(without=True)

    assert answer["error"] == "ConfigError"
    assert answer["told"].endswith("pip install 'vecmill[datasets]'.")


def test_a_broken_file_is_a_source_error(folder: Path, hub: HubDouble) -> None:
    """With the row after which it stopped."""
    with (folder / "a.jsonl").open("a") as stream:
        stream.write('{"text": ')
    hub.repos["dataset", "user/json"].commit(folder)
    answer = _read()

    assert answer["error"] == "SourceError"
    assert "stopped in user/json (train) after row" in answer["told"]
