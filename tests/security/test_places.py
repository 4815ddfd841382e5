"""What a run leaves for others to read says nothing of the machine that it was made on."""

from __future__ import annotations

import json
import shutil

import pytest

from doubles.hub import HubDouble, User
from repository import model_folder

TOKEN = "hf_OfTheUser0123456789"  # noqa: S105 - the double knows it
JOB = """
[source]
name = "jsonl"
path = "{home}/corpus/*.jsonl"

[embedder]
name = "openvino"
model = "{home}/models/minilm"

[[publish]]
name = "parquet"
path = "{home}/out"

[[publish]]
name = "hub"
repo = "user/set"
"""


@pytest.fixture
def home(tmp_path):
    """A folder of a user with a job, a corpus and a model in it."""
    home = tmp_path / "home-of-jane"
    (home / "corpus").mkdir(parents=True)
    (home / "models").mkdir()
    (home / "models" / "minilm").symlink_to(model_folder())
    rows = [{"id": "1", "text": "Water boils."}, {"id": "2", "text": 2}, {"id": "3", "text": "Iron melts."}]
    (home / "corpus" / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (home / "job.toml").write_text("max_quarantine = 0.5\n" + JOB.format(home=home))
    return home


@pytest.mark.fault(
    "security",
    "a job names folders of this machine",
    promise="Neither manifest nor card nor a published file names them; searching the dataset still works.",
)
def test_what_is_published_names_no_folder_of_this_machine(home, tmp_path, vecmill, monkeypatch):
    """A run with a model and a corpus in the user's folder, published to the Hub, searched, verified, and copied."""
    with HubDouble(tmp_path / "hub") as hub:
        hub.users[TOKEN] = User("user")
        settings = {
            "HF_TOKEN": TOKEN,
            "HF_ENDPOINT": hub.url,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HOME": str(tmp_path / "hf"),
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        vecmill("run", home / "job.toml")
    out = home / "out"
    published = [path for path in (tmp_path / "hub").rglob("*") if path.is_file()]
    assert any(b'"path": ".../*.jsonl"' in path.read_bytes() for path in published)
    left = [*out.glob("[!.]*"), *out.glob("data/*")]
    assert b'"path": ".../*.jsonl"' in (out / "manifest.json").read_bytes()
    assert [path for path in [*published, *left] if path.is_file() and b"home-of-jane" in path.read_bytes()] == []
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert manifest["model"]["id"] == manifest["recipe"]["embedder"]["model"] == ".../minilm"
    assert "embedded with minilm" in (out / "README.md").read_text()

    vecmill("verify", out)
    assert "Iron melts." in vecmill("search", out, "What does iron do?", "--json").stdout
    copy = shutil.copytree(out, tmp_path / "copy", ignore=shutil.ignore_patterns(".vecmill*"))
    vecmill("verify", copy)
    assert "Iron melts." in vecmill("search", copy, "What does iron do?", "--json").stdout  # the run is known here
    monkeypatch.setenv("VECMILL_STATE", str(tmp_path / "of-another-user"))
    assert "name it with --model DIR" in vecmill("search", copy, "What?", code=1).stderr
    model = home / "models" / "minilm"
    assert "Iron melts." in vecmill("search", copy, "What does iron do?", "--json", "--model", model).stdout
    other = shutil.copytree(model, tmp_path / "other")
    weights = other / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    assert "are not the ones" in vecmill("search", copy, "What?", "--model", other, code=1).stderr
