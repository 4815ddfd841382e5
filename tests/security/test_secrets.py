"""Secrets of the environment are in nothing that vecmill prints, writes or publishes, whatever goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from doubles.hub import HubDouble, User
from doubles.tei import MODEL, RouterDouble

TOKEN = "hf_CanaryOfTheHub0123456789"  # noqa: S105 - all of these are planted, to be looked for
KEY = "canary-of-the-router"
PASSWORD = "canary-in-an-address"  # noqa: S105
SECRETS = {
    "HF_TOKEN": TOKEN,
    "VECMILL_TEI_API_KEY": KEY,
    "MODAL_TOKEN_SECRET": "as-CanaryOfModal0123456789",
    "AWS_SECRET_ACCESS_KEY": "canary/of+another/library",
    "DB_PASSWORD": "canary of a plugin",
}
LEAKY = """
import os, sys

from vecmill.errors import EngineError
from vecmill.hookspecs import hookimpl
from vecmill.testing.plugin import HashEmbedder


class Leaky(HashEmbedder):
    name = "leaky"

    def embed(self, texts):
        for name, value in os.environ.items():
            print(name, value, file=sys.stderr, flush=True)
        raise EngineError(f"GET https://user:{os.environ['DB_PASSWORD']}@host failed: {dict(os.environ)}")


@hookimpl
def vecmill_register_embedders(register):
    register(Leaky)
"""


class Scene:
    """A folder with a job, and everything that commands printed there."""

    def __init__(self, folder: Path, hub: HubDouble) -> None:
        self.folder = folder
        self.printed: list[str] = []
        home = {"HF_HOME": str(folder / "hf"), "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1"}
        site = {"PYTHONPATH": str(folder / "site"), "VECMILL_PLUGINS": "leaky=leaky_plugin"}
        self.environment = {**os.environ, **SECRETS, **home, **site}

    def run(self, *args: str, code: int, **variables: str) -> str:
        """Run the command, with its log and its tracebacks, and return what it wrote to standard error."""
        done = subprocess.run(
            [Path(sys.executable).with_name("vecmill"), *args],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment | variables,
            check=False,
        )
        self.printed += [done.stdout, done.stderr]
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr


@pytest.fixture
def scene(tmp_path):
    """A folder with a corpus, a job that publishes to a Hub, and a plugin that tells all it knows."""
    with HubDouble(tmp_path / "hub") as hub:
        hub.users[TOKEN] = User("user")
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "leaky_plugin.py").write_text(textwrap.dedent(LEAKY))
        rows = [{"id": str(n), "text": f"Document {n} is about the number {n}."} for n in range(20)]
        (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        embedder = f'[embedder]\nname = "tei"\nmodel = "{MODEL}"\nwait_s = 0\n'
        parquet, hub_ = '[[publish]]\nname = "parquet"\npath = "out"\n', '[[publish]]\nname = "hub"\nrepo = "user/a"\n'
        source = '[source]\nname = "jsonl"\npath = "corpus.jsonl"\n'
        (tmp_path / "job.toml").write_text(source + embedder + parquet + hub_)
        yield Scene(tmp_path, hub)


def content(path: Path) -> str:
    """Return what a file says; compressed columns are read."""
    if path.suffix != ".parquet":
        return path.read_bytes().decode("utf-8", "replace")
    table = pq.read_table(path)
    return repr([table.drop_columns([name for name in table.column_names if name == "embedding"]).to_pylist()])


def leaks(scene: Scene, secret: str) -> list[str]:
    """Return where a secret is found."""
    files = [path for path in scene.folder.rglob("*") if path.is_file() and "site" not in path.parts]
    found = [str(path) for path in files if secret in content(path)]
    return found + [text for text in scene.printed if secret in text]


@pytest.mark.fault(
    "security",
    "a library, a worker or a plugin quotes a token, or all of the environment",
    promise="It is shown and logged as ***; no file of the run, no manifest and no card holds it.",
)
def test_no_secret_is_in_what_commands_leave(scene):
    """Runs that succeed, fail, and meet a plugin that prints its whole environment; with --debug and a log."""
    run = ("run", "job.toml", "--debug", "--log-json", "log.jsonl")
    other = ("--set", "source.limit=19", "--set", "publish.0.path=other", "--set", "runtime={name='local',attempts=1}")
    again = (*run, "--overwrite", *other)
    with RouterDouble(MODEL, "--api-key", KEY, vectors="random") as router:
        scene.run(*run, code=0, VECMILL_TEI_URL=router.url)
        wrong = {"VECMILL_TEI_URL": router.url, "VECMILL_TEI_API_KEY": "canary-of-a-stranger"}
        assert "wants another key" in scene.run(*again, code=1, **wrong)
    scene.run("publish", "out", "--to", "hub", "--set", "repo=user/again", "--debug", "--log-json", code=0)
    scene.run("doctor", code=0)

    stranger = "hf_CanaryOfAStranger012"
    refused = scene.run("publish", "out", "--to", "hub", "--set", "repo=user/b", "--debug", code=1, HF_TOKEN=stranger)
    assert "does not know this token" in refused
    scene.run(*again, code=1, VECMILL_TEI_URL=f"http://user:{PASSWORD}@127.0.0.1:1")
    address = f"http://user:{PASSWORD}@127.0.0.1:1"
    scene.run(*again, "--set", "embedder.model=some/model", code=1, HF_ENDPOINT=address)
    errors = scene.run(*again, "--set", "embedder={name='leaky'}", code=1)

    assert "GET https://***@host failed" in errors
    events = [json.loads(line) for line in (scene.folder / "log.jsonl").read_text().splitlines()]
    assert any(line["event"] == "worker.said" and line["text"] == "DB_PASSWORD ***" for line in events)
    for secret in (*SECRETS.values(), PASSWORD, stranger, wrong["VECMILL_TEI_API_KEY"]):
        assert leaks(scene, secret) == []
