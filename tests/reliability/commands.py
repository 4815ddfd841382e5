"""Commands: each of vecmill's, on something small, to be interrupted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import partial
from typing import TYPE_CHECKING

from doubles.hub import HubDouble, User
from doubles.tei import MODEL
from reliability.interrupting import Case
from reliability.killing import STAND_INS, VECMILL, assert_same
from reliability.small_job import write_job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "hf_token"  # noqa: S105 - of a Hub of our own
REPO = "user/name"
NOTE = ".vecmill.mirror.json"
"""Says in a copy what it is a copy of."""
REAL = f'name = "openvino"\nmodel = "{MODEL}"\nprecision = "f32"'


class Commands:
    """Makes the cases.

    Args:
        folder: For their files.
        hub: Where they publish.
    """

    def __init__(self, folder: Path, hub: HubDouble) -> None:
        self._folder = folder
        self._hub = hub
        hub.users[TOKEN] = User("user")
        self._environment = {**STAND_INS, "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(folder / "hf")}
        (folder / "real").mkdir()
        self._job = write_job(folder, 120, target_mb=0.01)
        self._real = write_job(folder / "real", 20, embedder=REAL, target_mb=0.02)
        self._dataset = folder / "dataset"

    def all(self) -> Iterator[Case]:
        """Yield a case for each command, and for each way that a run can go."""
        inline, to_hub = 'runtime={ name = "inline" }', f'{{ name = "hub", repo = "{REPO}" }}'
        yield self._run("run, workers", self._job)
        yield self._run("run, inline", self._job, inline)
        yield self._run("run, real model", self._real)
        yield self._run("run, to the Hub", self._job, publish=to_hub)
        self._do(*self._run_to(self._dataset, self._real))
        yield self._publish_to_hub()
        yield self._publish_to_folder()
        dataset = str(self._dataset)
        for arguments in (
            ["verify", dataset],
            ["search", dataset, "the number seven"],
            ["report", dataset, "--html", str(self._folder / "report.html")],
            ["estimate", str(self._real)],
            ["plugins"],
            ["doctor"],
        ):
            yield Case(arguments[0], arguments, environment=self._environment)

    def _run(self, name: str, job: Path, *changes: str, publish: str = "") -> Case:
        alone, out = (self._folder / f"{name} {which}" for which in ("alone", "interrupted"))

        def check() -> None:
            if not alone.exists():
                self._do(*self._run_to(alone, job, *changes))
            assert_same(alone, out)
            if publish:
                self._check_hub(out)

        return Case(
            name,
            self._run_to(out, job, *changes, publish=publish),
            check,
            partial(self._clear, out),
            self._environment,
        )

    def _run_to(self, out: Path, job: Path, *changes: str, publish: str = "") -> list[str]:
        publishers = f'publish=[{{ name = "parquet", path = "{out}" }}, {publish}]'
        return ["run", str(job), *(word for change in (publishers, *changes) for word in ("--set", change))]

    def _publish_to_hub(self) -> Case:
        arguments = ["publish", str(self._dataset), "--to", "hub", "--set", f"repo={REPO}"]
        check = partial(self._check_hub, self._dataset)
        return Case("publish, to the Hub", arguments, check, self._hub.repos.clear, self._environment)

    def _publish_to_folder(self) -> Case:
        out = self._folder / "published"
        arguments = ["publish", str(self._dataset), "--to", "parquet", "--set", f"path={out}"]
        check, clear = partial(assert_same, self._dataset, out, NOTE), partial(self._clear, out)
        return Case("publish, to a folder", arguments, check, clear, self._environment)

    def _check_hub(self, dataset: Path) -> None:
        """Check that a reader of the repo is given a dataset's very shards."""
        wanted = {shard["sha256"] for shard in json.loads((dataset / "manifest.json").read_text())["shards"]}
        files = self._hub.find("dataset", REPO).files("main")
        assert {blob.sha256 for path, blob in files.items() if "/train-" in path} == wanted

    def _clear(self, out: Path) -> None:
        self._hub.repos.clear()
        shutil.rmtree(out, ignore_errors=True)

    def _do(self, *arguments: str) -> None:
        command = [str(VECMILL), *arguments]
        done = subprocess.run(command, env={**os.environ, **self._environment}, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
