"""HubStream: what is not Parquet is streamed by the datasets library, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from doubles.hub import HubDouble

if TYPE_CHECKING:
    from pathlib import Path

# The library takes a second to import, and reads its settings then: one process does all there is to do.
READ = """
import json, sys
from vecmill.errors import VecmillError
from vecmill.sources.hub import HubSource

def read(options, target=1 << 20):
    try:
        source = HubSource(HubSource.Config(**{"repo": "user/json", **options}))
        source = HubSource(source.pinned())
        partitions = list(source.partitions(target))
        worker = HubSource(source.config)
        rows = [row for part in partitions for batch in worker.read(part) for row in batch.to_pylist()]
        return {"rows": rows, "bytes": [part.bytes for part in partitions]}
    except VecmillError as error:
        return {"error": type(error).__name__, "told": str(error)}

sys.modules["datasets"] = None
answers = {"missing": read({})}
del sys.modules["datasets"]
for name, task in json.loads(sys.argv[1]).items():
    answers[name] = read(*task)
print(json.dumps(answers))
"""
TASKS = {
    "small": ({"keep": ["lang"]}, 1),
    "large": ({"keep": ["lang"]},),
    "limit": ({"limit": 7}, 1),
    "broken": ({"repo": "user/broken"},),
    "null first": ({"repo": "user/null"},),
    "no split": ({"split": "test"},),
    "no config": ({"config": "x"},),
    "no column": ({"columns": {"text": "body"}},),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What reading came to, for each of the tasks."""
    folder = tmp_path_factory.mktemp("stream")
    with HubDouble(folder / "hub") as hub:
        hub.add("dataset", "user/json", _repo(folder / "json", end=""))
        hub.add("dataset", "user/broken", _repo(folder / "broken", end='{"text": '))
        (folder / "null").mkdir()
        for name, text in {"a": None, "b": "a text"}.items():
            (folder / "null" / f"{name}.jsonl").write_text(json.dumps({"text": text}) + "\n")
        hub.add("dataset", "user/null", folder / "null")
        environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "0"}
        command = [sys.executable, "-c", READ, json.dumps(TASKS)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _repo(root: Path, end: str) -> Path:
    """Write three JSON Lines files of five rows."""
    root.mkdir()
    for name in "abc":
        lines = [json.dumps({"text": f"{name}{row}", "lang": "en"}) for row in range(5)]
        (root / f"{name}.jsonl").write_text("\n".join(lines) + "\n" + end)
    return root


def test_files_are_streamed_in_order(answers: dict[str, Any]) -> None:
    """A file is the least a partition can be; its number stands before its rows' numbers."""
    small, large = answers["small"], answers["large"]

    assert [row["text"] for row in small["rows"]] == [f"{name}{row}" for name in "abc" for row in range(5)]
    assert [row["id"] for row in small["rows"]] == [f"{number}:{row}" for number in range(3) for row in range(5)]
    assert {row["lang"] for row in small["rows"]} == {"en"}
    assert small["rows"] == large["rows"]


def test_partitions_are_weighed_by_their_files(answers: dict[str, Any]) -> None:
    """Three small ones or one large one hold the same bytes."""
    small, large = answers["small"]["bytes"], answers["large"]["bytes"]

    assert len(small) == 3
    assert len(set(small)) == len(large) == 1
    assert sum(small) == sum(large) > 0


def test_a_limit_is_met_exactly(answers: dict[str, Any]) -> None:
    """Through several files, with the rows numbered."""
    assert [row["id"] for row in answers["limit"]["rows"]] == [str(row) for row in range(7)]


@pytest.mark.parametrize(
    ("task", "error", "told"),
    [
        ("missing", "ConfigError", "which is not installed: pip install 'vecmill[datasets]'"),
        ("no split", "ConfigError", "cannot read user/json (test)"),
        ("no config", "ConfigError", "BuilderConfig 'x' not found"),
        ("no column", "ConfigError", "user/json (train) has no column 'body'; it has text, lang:"),
        ("broken", "SourceError", "stopped in user/broken (train) after row"),
        ("null first", "SourceError", "after row 0 of a file: Couldn't cast array of type string to null"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(answers: dict[str, Any], task: str, error: str, told: str) -> None:
    """In the words of the datasets library where it knows better."""
    assert answers[task]["error"] == error
    assert told in answers[task]["told"]
