"""The Hub double answers the real clients as the Hub does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from doubles.hub import HubDouble

if TYPE_CHECKING:
    from pathlib import Path

# The clients read HF_ENDPOINT when they are imported.
USE = """
import json, pathlib
from datasets import load_dataset
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

def fails(call, *args, **options):
    try:
        call(*args, **options)
    except (EntryNotFoundError, GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        return type(error).__name__

api = HfApi()
refs = api.list_repo_refs("user/model")
paths = api.get_paths_info("user/model", ["config.json", "1_Pooling", "no"])
model = pathlib.Path(snapshot_download("user/model"))
print(json.dumps({
    "model": {path.relative_to(model).as_posix(): path.stat().st_size for path in model.rglob("*") if path.is_file()},
    "sha": [model.name, api.model_info("user/model").sha],
    "tagged": pathlib.Path(hf_hub_download("user/model", "config.json", revision="v1")).read_text(),
    "refs": [ref.name for ref in refs.branches + refs.tags + refs.converts],
    "tree": sorted(entry.path for entry in api.list_repo_tree("user/model", recursive=True)),
    "top": sorted(entry.path for entry in api.list_repo_tree("user/model")),
    "paths": [(path.path, getattr(path, "size", None)) for path in paths],
    "lfs": [bool(file.lfs) for file in api.model_info("user/model", files_metadata=True).siblings],
    "rows": load_dataset("user/data", split="train")["text"][:],
    "no file": fails(hf_hub_download, "user/model", "none.json"),
    "no revision": fails(hf_hub_download, "user/model", "config.json", revision="v9"),
    "no repo": fails(api.model_info, "user/none"),
    "gated": fails(hf_hub_download, "user/gated", "config.json"),
    "gated info": api.model_info("user/gated").gated,
}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the clients made of it."""
    folder = tmp_path_factory.mktemp("double")
    with HubDouble(folder / "hub") as hub:
        for name in ("model", "gated"):
            hub.add("model", f"user/{name}", _model(folder / name))
        hub.repos["model", "user/gated"].gated = True
        hub.repos["model", "user/model"].tag("v1")
        (folder / "model" / "config.json").write_text('{"later": true}')
        hub.repos["model", "user/model"].commit(folder / "model")
        (folder / "data").mkdir()
        pq.write_table(pa.table({"text": ["a", "b"]}), folder / "data" / "train.parquet")
        hub.add("dataset", "user/data", folder / "data")
        environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "0"}
        command = [sys.executable, "-c", USE]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _model(root: Path) -> Path:
    (root / "1_Pooling").mkdir(parents=True)
    (root / "config.json").write_text("{}")
    (root / "1_Pooling" / "config.json").write_text('{"pooling": "mean"}')
    (root / "model.safetensors").write_bytes(b"\0" * 3_000_000)
    return root


def test_a_model_is_downloaded_whole(seen: dict[str, Any]) -> None:
    """Small files from the Hub's origin, large ones from another; in a folder named by the commit."""
    assert seen["model"] == {"config.json": 15, "1_Pooling/config.json": 19, "model.safetensors": 3_000_000}
    assert len(set(seen["sha"])) == 1


def test_a_tag_keeps_what_it_tagged(seen: dict[str, Any]) -> None:
    """Main moved on."""
    assert seen["tagged"] == "{}"
    assert seen["refs"] == ["main", "v1"]


def test_files_are_described(seen: dict[str, Any]) -> None:
    """As a tree, by path, and as siblings; large files as such."""
    assert seen["tree"] == ["1_Pooling", "1_Pooling/config.json", "config.json", "model.safetensors"]
    assert seen["top"] == ["1_Pooling", "config.json", "model.safetensors"]
    assert seen["paths"] == [["config.json", 15], ["1_Pooling", None]]
    assert seen["lfs"] == [False, False, True]


def test_a_dataset_is_loaded(seen: dict[str, Any]) -> None:
    """By the datasets library, which asks for more than there is."""
    assert seen["rows"] == ["a", "b"]


def test_errors_are_told_apart(seen: dict[str, Any]) -> None:
    """A gated repo can be looked at, but not read."""
    assert [seen["no file"], seen["no revision"]] == ["RemoteEntryNotFoundError", "RevisionNotFoundError"]
    assert [seen["no repo"], seen["gated"]] == ["RepositoryNotFoundError", "GatedRepoError"]
    assert seen["gated info"] == "auto"
