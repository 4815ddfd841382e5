"""Contender: somebody who does the work, in a process and an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
OLDER = HERE.parent / ".hatch" / "bench-older" / "bin" / "python"
"""For peers that want older libraries than the others."""


@dataclass(frozen=True)
class Entry:
    """Who takes part.

    Attributes:
        name: As it stands in the table.
        script: Its file in ``peers``.
        settings: What it is told first.
        ours: Whether it is vecmill.
        older: Whether it runs in the environment with older libraries.
        checkout: Whose build it is, where that is another one: a checkout with its default environment.
    """

    name: str
    script: str
    settings: dict[str, Any] = field(default_factory=dict)
    ours: bool = False
    older: bool = False
    checkout: Path | None = None

    @property
    def python(self) -> Path:
        """Its interpreter."""
        if self.checkout is not None:
            return self.checkout / ".hatch" / "default" / "bin" / "python"
        return OLDER if self.older else Path(sys.executable)

    @property
    def home(self) -> Path:
        """The folder that its file is below, with what the file imports."""
        return HERE if self.checkout is None else self.checkout / "benchmarks"


class UnavailableError(Exception):
    """A contender cannot be measured here; the message says why."""


class Contender:
    """A running contender; made only when it has loaded.

    Raises:
        UnavailableError: It cannot be loaded.
    """

    def __init__(self, entry: Entry, **settings: Any) -> None:
        self.name = entry.name
        if not entry.python.is_file():
            raise UnavailableError(f"its environment is not installed: hatch run {entry.python.parents[1].name}:model")
        path = os.pathsep.join([str(entry.home), os.environ.get("PYTHONPATH", "")])
        offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"}
        self._child = subprocess.Popen(
            [entry.python, "-W", "ignore", entry.home / "peers" / f"{entry.script}.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={
                **os.environ,
                **offline,
                "PYTHONPATH": path,
                "DO_NOT_TRACK": "1",
                "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
            },
        )
        self.loaded = self._ask({**settings, **entry.settings})

    def work(self, given: Path, output: Path | None = None) -> dict[str, Any]:
        """Do the work in ``given``, a JSON file; return its seconds, by the wall's clock and the processor's.

        Raises:
            UnavailableError: It failed.
        """
        return self._ask({"input": str(given), "output": output and str(output)})

    def close(self) -> None:
        """End it."""
        self._child.kill()
        self._child.wait()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._child.stdin, self._child.stdout
        if stdin is None or stdout is None:
            raise UnavailableError("it has no pipes")
        try:
            stdin.write(json.dumps(question) + "\n")
            stdin.flush()
        except BrokenPipeError:
            raise UnavailableError(f"it ended with code {self._child.wait()}") from None
        line = stdout.readline()
        if not line:
            raise UnavailableError(f"it ended with code {self._child.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "unavailable" in answer:
            raise UnavailableError(answer["unavailable"])
        return answer
