"""Killing on Modal: driver and workers are killed, or taken away, at random moments; the same call is made again."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import time
from typing import TYPE_CHECKING

from cloud import WORKER

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from cloud import Cloud, Made
    from doubles.modal.container import Container

DRIVER = "embed"


class ModalKilling:
    """Kills runs of the deployed job.

    Args:
        cloud: The deployed app.
        made: What the job makes when it is left alone.
        length: Seconds that a call takes, about.
        seed: Of the moments, and of what is killed.

    Attributes:
        kills: How many there were, by what was killed.
        resumed: How many kills left shards behind that were done.
    """

    def __init__(self, cloud: Cloud, made: Made, length: float = 6, seed: int = 2026) -> None:
        self._cloud = cloud
        self._made = made
        self._length = length
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._number = 0
        self._taken = False
        self.kills = dict.fromkeys(("the driver", "a worker", "all of it"), 0)
        self.resumed = 0

    def rounds(self, count: int) -> None:
        """Kill so often; a run that ends before its turn makes room for one in a new folder."""
        while sum(self.kills.values()) < count:
            self._number += 1
            self._one(f"publish.0.path=out/killed-{self._number}", count)

    def _one(self, change: str, count: int) -> None:
        done: dict[str, int] = {}
        over = False
        while not over and sum(self.kills.values()) < count:
            over = self._struck(self._cloud.begin(change), change, done)
        finished = self._cloud.embed(change)
        assert finished.digests == self._made.digests
        hidden = [path for path in finished.path.rglob("*") if path.relative_to(finished.path).as_posix()[0] == "."]
        assert hidden == []
        for name, stamp in done.items():
            assert (finished.path / "data" / name).stat().st_mtime_ns == stamp, f"{name} was done again"

    def _struck(self, call: subprocess.Popen[str], change: str, done: dict[str, int]) -> bool:
        """Kill something at some moment of a call, and note what was done by then; return whether it ended well."""
        self._wait(call, change)
        what = self._chance.choice(list(self.kills))
        victims = [*self._of(DRIVER), *self._of(WORKER)] if what == "all of it" else []
        victims = victims or self._of(DRIVER if what == "the driver" else WORKER)[:1]
        if call.poll() is None and victims:
            self.kills[what] += 1
            left = self._shards_done(change)
            self.resumed += bool(left)
            done |= left | done
            for victim in victims:
                self._end(victim)
        call.communicate(timeout=300)
        return call.returncode == 0

    def _end(self, victim: Container) -> None:
        """Let its machine fail, or let Modal take it away, in turns: then it hears of it, and may say something."""
        self._taken = not self._taken
        if self._taken:
            self._cloud.plane.preempt(victim)
        else:
            victim.signal(signal.SIGKILL)

    def _wait(self, call: subprocess.Popen[str], change: str) -> None:
        """Wait for a moment: of the call's whole life, or, every other time, soon after one more shard is done."""
        length, before = self._length, len(self._shards_done(change))
        if self._chance.random() < 1 / 2:
            length /= 4
            while call.poll() is None and len(self._shards_done(change)) <= before:
                time.sleep(0.02)
        time.sleep(self._chance.uniform(0, length))

    def _of(self, name: str) -> list[Container]:
        return self._cloud.plane.containers.of(name)

    def _shards_done(self, change: str) -> dict[str, int]:
        """Return the shards of an unfinished run whose receipts are on the Volume, with their times."""
        name = change.rpartition("/")[2]
        done = {}
        for path in self._volume.glob(f"runs/{name}*/.vecmill/receipts/*.json"):
            with contextlib.suppress(FileNotFoundError):  # the run is finished, just now
                shard = path.parents[2] / json.loads(path.read_text())["shard"]["path"]
                done[shard.name] = shard.stat().st_mtime_ns
        return done

    @property
    def _volume(self) -> Path:
        return self._cloud.plane.volumes.folder("vecmill")
