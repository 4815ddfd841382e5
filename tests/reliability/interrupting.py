"""Interrupting: a command is interrupted at moments spread over its whole life, and how it ends is judged."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reliability.killing import VECMILL
from reliability.processes import Family

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 90
"""From the signal to the end. Generous: it is there to tell a command that never ends, on the slowest of machines."""
INTERRUPTED = 130
DUMPS = """
import faulthandler, signal
faulthandler.register(signal.SIGUSR1, all_threads=True)
"""
"""What Python runs first in every process, so that one that hangs can be asked where."""
STOPPING = "vecmill: stopping"
UNORDERLY = ("Traceback", "Exception ignored", "stopped at once")


@dataclass
class Case:
    """A command line.

    Attributes:
        name: For the report.
        arguments: After ``vecmill``.
        check: Raises unless what is there is what an undisturbed command makes.
        clear: Removes what the command made, for it to be made anew.
        environment: Variables beside this process's own.
    """

    name: str
    arguments: list[str]
    check: Callable[[], object] = lambda: None
    clear: Callable[[], object] = lambda: None
    environment: dict[str, str] = field(default_factory=dict)


class Interrupting:
    """Interrupts one command.

    Args:
        case: The command.
        folder: For files of its own.
        seed: Of the moments.

    Attributes:
        ends: How many commands ended how.
        finds: What is wrong, in words.
    """

    def __init__(self, case: Case, folder: Path, seed: int = 2026) -> None:
        self._case = case
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        (folder / "sitecustomize.py").write_text(DUMPS)
        path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._environment = {**case.environment, "PYTHONPATH": os.pathsep.join(path)}
        self.ends: Counter[str] = Counter()
        self.finds: list[str] = []
        self._length = float("inf")
        self._finish()

    def rounds(self, count: int) -> None:
        """Interrupt so often. A command that is done by then makes room for one that begins anew."""
        moments = [(number + self._chance.random()) / count for number in range(count)]
        self._chance.shuffle(moments)
        self._case.clear()
        for turn, moment in enumerate(moments):
            if self._strike(moment * self._length, (signal.SIGINT, signal.SIGTERM)[turn % 2]):
                self._finish()
                self._case.clear()
        self._finish()

    def _strike(self, moment: float, number: signal.Signals) -> bool:
        """Start the command, send a signal; return whether the command was done before."""
        family = Family()
        child = self._start(family)
        time.sleep(moment)
        early = not _catches(child.pid, signal.SIGTERM)
        child.send_signal(number)
        try:
            _, errors = child.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._found(moment, number, "it hangs", _stacks(child, family))
            return False
        self._judge(moment, number, child.returncode, errors, early=early)
        family.wait_until_gone()
        return child.returncode == 0

    def _judge(self, moment: float, number: signal.Signals, code: int, errors: str, *, early: bool) -> None:
        if early and (code == -number or "KeyboardInterrupt" in errors):
            self.ends["before vecmill's first line"] += 1  # Python itself ends as it sees fit
        elif code == INTERRUPTED and not any(word in errors for word in UNORDERLY):
            self.ends["interrupted"] += 1
        elif code == 0 and not any(word in errors for word in UNORDERLY):
            self.ends["done, the signal came too late" if STOPPING in errors else "done"] += 1
        else:
            self._found(moment, number, f"exit {code}", errors)

    def _found(self, moment: float, number: signal.Signals, what: str, errors: str) -> None:
        self.ends["wrong"] += 1
        self.finds.append(f"{self._case.name}: {number.name} after {moment:.3f} s: {what}\n{errors}")

    def _start(self, family: Family) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [VECMILL, *self._case.arguments],
            env=family.environment | self._environment,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )

    def _finish(self) -> None:
        """Run the command to its end; what it makes must be what an undisturbed one makes."""
        began = time.monotonic()
        child = self._start(Family())
        _, errors = child.communicate()
        self._length = min(self._length, time.monotonic() - began)
        assert child.returncode == 0, errors
        self._case.check()


def _catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal; one that has ended has none."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    caught = [int(line.split()[1], 16) for line in status if line.startswith("SigCgt")]
    return any(mask >> (number - 1) & 1 for mask in caught)


def _stacks(child: subprocess.Popen[str], family: Family) -> str:
    """Have a process that hangs, and all that it started, say where; then end them."""
    for pid in family.pids():
        os.kill(pid, signal.SIGUSR1)
    time.sleep(1)
    family.kill(*family.pids())
    return child.communicate()[1]
