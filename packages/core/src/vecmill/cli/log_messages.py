"""Log messages: what each event of a run says in the log."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from vecmill.records import (
    DocumentsRetried,
    Publishing,
    RunFinished,
    RunLaunched,
    RunStarted,
    ShardDone,
    ShardFailed,
    ShardProgress,
    ShardRetried,
    ShardStarted,
    Spent,
    WorkerSaid,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from vecmill.records import RunEvent


INTERVAL_SECONDS = 10.0
"""Between two lines about the progress of one thing."""

Line = tuple[str, str, dict[str, Any]]


class Narration:
    """Remembers which attempt at a shard is under way, and when something was last said."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._attempts: dict[int, dict[str, Any]] = {}
        self._said: dict[Hashable, float] = {}

    def lines(self, event: RunEvent) -> Iterator[Line]:
        """Yield an event's line: its name, its level, its fields. Progress is left out if some was told just now."""
        match event:
            case RunLaunched():
                yield "run.launched", "info", dataclasses.asdict(event)
            case RunStarted():
                yield "run.started", "info", dataclasses.asdict(event)
            case DocumentsRetried():
                yield "documents.retried", "warning" if event.error else "info", dataclasses.asdict(event)
            case RunFinished():
                yield _finish_line(event)
            case Publishing():
                if event.done == event.bytes or self._due(event.place):
                    yield "publish.progress", "info", dataclasses.asdict(event)
            case Spent(cost, machines):
                if self._due("cost"):
                    yield "run.spent", "info", {"cost": cost.model_dump(), "machines": machines}
            case WorkerSaid():
                yield "worker.said", "info", dataclasses.asdict(event)
            case _:
                yield from self._shard(event)

    def _shard(self, event: RunEvent) -> Iterator[Line]:
        match event:
            case ShardStarted(shard, attempt, worker):
                self._attempts[shard] = {"attempt": attempt, "worker": worker}
                yield "shard.started", "info", self._of(shard)
            case ShardProgress(progress):
                if self._due(progress.shard):
                    yield "shard.progress", "info", self._of(**dataclasses.asdict(progress))
            case ShardDone(receipt):
                yield "shard.done", "info", self._of(receipt.index, **_shard_fields(event))
            case ShardRetried(shard, error):
                yield "shard.retried", "warning", self._of(shard, error=error)
            case ShardFailed(failure):
                yield "shard.failed", "error", self._of(failure.index, attempts=failure.attempts, error=failure.error)

    def _of(self, shard: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
        return {"shard": shard, **self._attempts.get(shard, {}), **fields}

    def _due(self, what: Hashable) -> bool:
        now = self._clock()
        if now - self._said.get(what, now - INTERVAL_SECONDS) < INTERVAL_SECONDS:
            return False
        self._said[what] = now
        return True


def _shard_fields(event: ShardDone) -> dict[str, Any]:
    receipt = event.receipt
    file = {"file": receipt.shard.path, "file_bytes": receipt.shard.bytes, "sha256": receipt.shard.sha256}
    return {"seconds": round(receipt.seconds, 3), "bytes": event.bytes, **receipt.account.model_dump(), **file}


def _finish_line(event: RunFinished) -> Line:
    manifest = event.manifest
    level = "info" if manifest.status == "complete" else "error"
    counts = {"shards": len(manifest.shards), **manifest.account.model_dump(), "reasons": manifest.reasons}
    times = {"wall_seconds": manifest.timing.wall_seconds, "worker_seconds": manifest.timing.worker_seconds}
    return "run.finished", level, {"directory": event.directory, "status": manifest.status, **counts, **times}
