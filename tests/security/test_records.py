"""Whatever stands in a manifest or a note of this machine, who reads it ends with a result or one message."""

from __future__ import annotations

import copy
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

import vecmill
from small_dataset import small_job
from vecmill.cli.main import group
from vecmill.errors import StoreError
from vecmill.records import Manifest
from vecmill.records.model import DEEPEST
from vecmill.store.card import Location, format_card
from vecmill.store.files import finished_manifest
from vecmill.store.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NEST: Any = []
for _ in range(DEEPEST + 2):
    NEST = [NEST]
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 10**30, float("nan"), float("inf"), "", "x", "\u009b31m\u202e|`\n# x", "x" * 100_000),
    *([], [[]], [None], ["a"], {}, {"a": 1}, {"name": "x"}, {"": NEST}, "../x", "data/x.parquet"),
)
"""Of a wrong type, out of bounds, empty, endless, nested, and such as drive a terminal or a page."""
FULL = {
    "reused": {"run_id": "0123456789abcdef", "chunks": 1},
    "cost": {"estimate": 1.0, "gpu": "A10G", "container_seconds": 3.5, "price_per_second": 0.1},
    "duplicates": {"0": ["a"]},
}
"""What a manifest has of some runs alone."""


def key_paths(tree: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value, from the outermost to the innermost; of a long list its first item alone."""
    yield before
    items = tree.items() if isinstance(tree, dict) else enumerate(tree[:1]) if isinstance(tree, list) else ()
    for key, item in items:
        yield from key_paths(item, (*before, key))


def changed(tree: Any, key_path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a tree with another value at a place; with ``...`` without the place."""
    if not key_path:
        return value
    new = copy.deepcopy(tree)
    around = new
    for key in key_path[:-1]:
        around = around[key]
    if value is ...:
        del around[key_path[-1]]
    else:
        around[key_path[-1]] = value
    return new


class Folder:
    """A dataset's folder that is whole again before every command, and a job that makes it."""

    def __init__(self, tmp_path):
        self.root = tmp_path / "a"
        self._whole = tmp_path / "whole"
        job = small_job(tmp_path, 4, "a", [{"name": "parquet", "path": str(self.root)}])
        with (tmp_path / "a.jsonl").open("a") as file:
            file.write('{"id": "bad", "text": 1}\n')
        vecmill.run(vecmill.Job(**{**job.model_dump(exclude_unset=True), **self._tables(job), "max_quarantine": 0.5}))
        self.job = tmp_path / "job.toml"
        self.job.write_text(
            f"max_quarantine = 0.5\n[source]\nname = 'jsonl'\npath = {json.dumps(str(tmp_path / 'a.jsonl'))}\n"
            "[chunker]\nmax_tokens = 32\n[embedder]\nname = 'hash'\n[runtime]\nname = 'inline'\n"
            f"[shards]\ntarget_mb = 0.01\n[[publish]]\nname = 'parquet'\npath = {json.dumps(str(self.root))}\n"
        )
        shutil.copytree(self.root, self._whole)
        self.manifest = json.loads((self.root / "manifest.json").read_text()) | FULL
        self._next, self._touched = tmp_path / "next", False
        self._commands = {
            "verify": ["verify", self.root],
            "search": ["search", self.root, "a question"],
            "report": ["report", self.root, "--html", tmp_path / "report.html"],
            "publish": ["publish", self.root, "--to", "parquet", "--set", f"path={self._next}"],
            "run": ["run", self.job, "-q"],
            "since": ["run", self.job, "-q", "--since", self.root, "--set", f"publish.0.path={self._next}"],
        }

    @staticmethod
    def _tables(job):
        parts = {kind: getattr(job, kind) for kind in ("source", "chunker", "embedder", "runtime")}
        tables = {kind: {"name": spec.name, **spec.options} for kind, spec in parts.items()}
        return {**tables, "publish": [{"name": spec.name, **spec.options} for spec in job.publish]}

    def try_all(self, files, only=None):
        """Run every command, each on the whole folder with these files in it, and return what went wrong."""
        return [fault for name in (self._commands if only is None else only) for fault in self._try(name, files)]

    def _try(self, name, files):
        if self._touched:
            shutil.rmtree(self.root)
            shutil.copytree(self._whole, self.root)
        shutil.rmtree(self._next, ignore_errors=True)
        self._touched = name == "run" or any(path != "manifest.json" for path in files)
        for path, content in files.items():
            (self.root / path).parent.mkdir(exist_ok=True)
            (self.root / path).write_text(content, errors="surrogatepass")
        done = CliRunner().invoke(group, list(map(str, self._commands[name])), prog_name="vecmill")
        if done.exit_code not in {0, 1, 2} or "This is a fault" in done.output or "Traceback" in done.output:
            yield name, done.exit_code, done.output[-600:]
        elif done.exit_code == 1 and name != "verify" and not done.stderr.strip().startswith("vecmill: "):
            yield name, "no message", done.output[-600:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder."""
    return Folder(tmp_path_factory.mktemp("records"))


@pytest.fixture(autouse=True)
def _fast_disk(monkeypatch):
    """Have files written without waiting for the disk: there are thousands, and no power is lost."""
    monkeypatch.setattr("os.fsync", lambda _: None)


READING = ("verify", "search", "report", "publish")
"""Commands that read a dataset; those that make one are tried with every few manifests."""
FEW = 31


@pytest.mark.slow
@pytest.mark.fault(
    "input",
    "a field of a manifest is missing, of another type, out of bounds, endless or nested",
    promise="Every command that reads it ends with a result or one message; most are refused before a file is read.",
)
def test_any_value_in_any_field_of_a_manifest_ends_in_a_result_or_a_message(folder):
    """Each field and each item, with each value; what is still a manifest goes through the commands and the card."""
    faults, refused, taken = [], 0, 0
    for key_path in key_paths(folder.manifest):
        for value in (*VALUES, ...) if key_path else VALUES:
            files = {"manifest.json": json.dumps(changed(folder.manifest, key_path, value))}
            try:
                manifest = Manifest.model_validate_json(files["manifest.json"])
            except ValidationError:
                refused += 1
                commands: Sequence[str] | None = None if refused % 211 == 0 else ()
                (folder.root / "manifest.json").write_text(files["manifest.json"])
                with pytest.raises(StoreError):
                    finished_manifest(Layout(folder.root))
            else:
                taken += 1
                commands = None if taken % FEW == 0 else [READING[taken // 2 % len(READING)]] if taken % 2 else ()
                format_card(manifest, Location("user/name", "data/run", "run"))
            faults += [(key_path, str(value)[:40], *fault) for fault in folder.try_all(files, commands)]
    assert min(refused, taken) > 100
    assert faults == []
