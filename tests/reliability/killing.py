"""Killing: a run is killed at random moments and begun again, until it is done; then it is compared and counted."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reliability.processes import Family

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VECMILL = Path(sys.executable).with_name("vecmill")
STAND_INS = {"VECMILL_PLUGINS": "vecmill-testing=vecmill.testing.plugin"}
"""Makes the embedder ``hash`` known to a command and its workers."""


class Killing:
    """Kills runs of one job.

    Args:
        arguments: The command's arguments for a dataset folder.
        folder: Where the datasets are made.
        seed: Of the moments, and of what is killed.

    Attributes:
        alone: An undisturbed run's dataset.
        kills: How many there were, by what was killed.
        resumed: How many commands found shards that an earlier one had done.
    """

    def __init__(self, arguments: Callable[[Path], Sequence[str | Path]], folder: Path, seed: int = 2026) -> None:
        self._arguments = arguments
        self._folder = folder
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._number = 0
        self.kills = dict.fromkeys(("the driver", "a worker", "all of it"), 0)
        self.resumed = 0
        self.alone = folder / "alone"
        began = time.monotonic()
        self._command(*arguments(self.alone))
        self._length = time.monotonic() - began

    def rounds(self, count: int) -> None:
        """Kill so often. A run that ends before its turn makes room for one in a new folder."""
        while sum(self.kills.values()) < count:
            self._number += 1
            self._one(self._folder / f"killed-{self._number}", count)

    def _one(self, out: Path, count: int) -> None:
        """Kill a run until it is done, then hold it against the undisturbed one.

        A shard that had its receipt after any of the kills must be the same file, not an equal one, in the end.
        """
        done: dict[str, tuple[int, int]] = {}
        family, over = Family(), False
        while not over and sum(self.kills.values()) < count:
            over = self._struck(out, family)
            over = over or (out / "manifest.json").exists()
            self.resumed += bool(done)
            done = shards_done(out) | done
        self._finish(out)
        family.wait_until_gone()
        for name, stamp in done.items():
            assert stamp == _stamp(out / "data" / name), f"{name} had its receipt and was done again"
        assert_same(self.alone, out)

    def _struck(self, out: Path, family: Family) -> bool:
        """Start the command, kill something at some moment; return whether the command ended well by itself."""
        command = [str(VECMILL), *map(str, self._arguments(out))]
        child = subprocess.Popen(
            command, env=family.environment | STAND_INS, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self._wait(child, out)
        what = self._chance.choice(list(self.kills))
        pids = {"the driver": [child.pid], "all of it": family.pids()}.get(what, family.pids()[1:][:1])
        if child.poll() is None and pids:
            self.kills[what] += 1
            family.kill(*pids)
        if what == "a worker":
            time.sleep(self._chance.uniform(0, self._length / 4))
            family.kill(child.pid)
        _, errors = child.communicate()
        assert child.returncode in {0, -9}, errors
        return child.returncode == 0

    def _wait(self, child: subprocess.Popen[str], out: Path) -> None:
        """Wait for a moment: of the command's whole life, or, every other time, soon after one more shard is done."""
        length, before = self._length, len(shards_done(out))
        if self._chance.random() < 1 / 2:
            length /= 4
            while child.poll() is None and len(shards_done(out)) <= before:
                time.sleep(0.01)
        time.sleep(self._chance.uniform(0, length))

    def _finish(self, out: Path) -> None:
        """Run to the end, and check what is there with vecmill's own eyes."""
        self._command(*self._arguments(out))
        self._command("verify", out)

    def _command(self, *arguments: str | Path) -> None:
        command = [str(VECMILL), *map(str, arguments)]
        done = subprocess.run(command, env={**os.environ, **STAND_INS}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def shards_done(out: Path) -> dict[str, tuple[int, int]]:
    """Return the shards of an unfinished run that have their receipts, with what shows whether a file was replaced."""
    done = {}
    for path in (out / ".vecmill" / "receipts").glob("*.json"):
        with contextlib.suppress(FileNotFoundError):  # the run is finished, just now
            receipt = json.loads(path.read_text())
            shard = out / receipt["shard"]["path"]
            if not _awaits_another_turn(receipt):
                done[shard.name] = _stamp(shard)
    return done


def _awaits_another_turn(receipt: dict[str, Any]) -> bool:
    """Whether this is the last shard before it was told that its last document has an earlier one's id."""
    name = receipt["shard"]["path"].removesuffix(".parquet")
    return name.endswith(f"-{receipt['index'] + 1:05d}") and not receipt["duplicates"]


def assert_same(alone: Path, killed: Path, note: str = "") -> None:
    """Check that two datasets have the same files, byte for byte but for the times, and nothing else.

    Args:
        alone: A dataset that was made without a disturbance.
        killed: The other one.
        note: A file that it has in addition.
    """
    left, right = ({p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file()} for out in (alone, killed))
    assert left.keys() | {note} - {""} == right.keys()
    for name in left.keys() - {"manifest.json", "README.md"}:
        assert left[name].read_bytes() == right[name].read_bytes(), name
    manifests = [json.loads((out / "manifest.json").read_text()) for out in (alone, killed)]
    for manifest in manifests:
        del manifest["timing"]
        manifest["recipe"].pop("publish", None)
    assert manifests[0] == manifests[1]


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns
