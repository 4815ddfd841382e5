"""Cloud: the deployed Wikipedia app, called by the real client as a program of the user's own would."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repository import ROOT
from stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from doubles.modal.container import Container

APP, WORKER = "vecmill-wikipedia", "ShardWorker.*"
CALL = """
import json, sys, modal
from vecmill.errors import VecmillError
try:
    print(json.dumps(modal.Function.from_name(sys.argv[1], sys.argv[2]).remote(*json.loads(sys.argv[3]))))
except VecmillError as error:
    sys.exit(f"vecmill: {error}")
"""


@dataclass
class Made:
    """A dataset made on Modal.

    Attributes:
        path: On the Volume.
        result: What the call returned.
        bytes: All that its driver said to the control plane and heard of it.
        started: Names of the functions whose containers were started for it.
    """

    path: Path
    result: dict[str, str]
    bytes: int = 0
    started: tuple[str, ...] = ()

    @property
    def table(self) -> pa.Table:
        """All rows."""
        import pyarrow.parquet as pq

        return pq.read_table(self.path / "data")

    @property
    def digests(self) -> dict[str, str]:
        """The hash of every file of rows."""
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (self.path / "data").iterdir()}


class Cloud(Stage):
    """A stage whose app is deployed: containers stay warm between calls."""

    def begin(self, *overrides: str) -> subprocess.Popen[str]:
        """Call ``embed`` with changes to the job."""
        return self.call("embed", overrides)

    def call(self, function: str, *args: object) -> subprocess.Popen[str]:
        """Call a function of the app."""
        return subprocess.Popen(
            [sys.executable, "-c", CALL, APP, function, json.dumps(args)],
            env=self.environment(),
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def end(self, call: subprocess.Popen[str], code: int = 0) -> str:
        """Wait for a call, and return its last line."""
        output, _ = call.communicate(timeout=300)
        assert call.returncode == code, f"exit {call.returncode}\n{output}\n{self.log}"
        return output if code else output.splitlines()[-1]

    def embed(self, *overrides: str) -> Made:
        """Make a dataset."""
        before, started = self._driver_bytes(), len(self.plane.containers.started)
        made = self.made(self.end(self.begin(*overrides)))
        made.bytes = self._driver_bytes() - before
        made.started = tuple(name for _, name in self.plane.containers.started[started:])
        return made

    def made(self, output: str) -> Made:
        """Return the dataset that a call said it made."""
        result = json.loads(output)
        there = Path(result["dataset"]).relative_to("/mnt/vecmill")
        return Made(self.plane.volumes.folder("vecmill") / there, result)

    def busy(self, call: subprocess.Popen[str], beside: Container | None = None) -> Container:
        """Wait until a worker is in the middle of a shard, and return it."""
        while call.poll() is None:
            for container in self.plane.at_work(WORKER):
                if container is not beside and not container.leaving:
                    return container
            time.sleep(0.02)
        raise AssertionError(f"no worker was at work\n{self.end(call)}\n{self.log}")

    def retire(self) -> None:
        """Let the workers that are there go, so that the next call begins with new ones."""
        for container in self.plane.containers.of(WORKER):
            self.plane.preempt(container)
        while self.plane.containers.of(WORKER):
            time.sleep(0.05)

    @property
    def log(self) -> str:
        """The last lines of all containers."""
        return "".join(line for app in self.plane.apps.apps.values() for _, line in app.log[-60:])

    def lines(self, function: str, since: int = 0) -> list[str]:
        """Return what the containers of a function printed; only those that started after so many others."""
        wanted = {container for container, name in self.plane.containers.started[since:] if name == function}
        logs = (app.log for app in self.plane.apps.apps.values())
        return [line for log in logs for container, line in log if container in wanted]

    @property
    def deaths(self) -> int:
        """How often a worker ended over an input."""
        inputs = self.plane.ledger.inputs.values()
        return sum(i.deaths for i in inputs if self.plane.functions.get(i.call.function).name == WORKER)

    def _driver_bytes(self) -> int:
        return sum(self.plane.wire.bytes[driver] for driver in self._drivers())

    def _drivers(self) -> Iterator[str]:
        return (container for container, name in self.plane.containers.started if name == "embed")
