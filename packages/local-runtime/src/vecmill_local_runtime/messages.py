"""Messages: one JSON object a line, between the driver and a worker process.

They are bytes, UTF-8 on both sides: what a text stream makes of them depends on the locale of whoever opens it.
"""

from __future__ import annotations

import dataclasses
import json
from typing import IO, TYPE_CHECKING, Any

from vecmill.records import Progress, Receipt, ShardTask
from vecmill.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def send(stream: IO[bytes], kind: str, body: str) -> None:
    """Write one message; ``body`` is JSON."""
    stream.write(f'{{"kind":"{kind}","body":{body}}}\n'.encode())
    stream.flush()


def receive(stream: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """Yield each message's kind and its record, until the other side is gone."""
    for line in stream:
        if not line.endswith(b"\n"):
            return  # the other side was killed in the middle of it
        message = json.loads(line)
        yield message["kind"], _read(message["kind"], message["body"])


def send_task(stream: IO[bytes], task: ShardTask) -> None:
    """Ask a worker for a shard."""
    send(stream, "task", task.model_dump_json())


def send_progress(stream: IO[bytes], progress: Progress) -> None:
    """Say how far a shard is."""
    send(stream, "progress", json.dumps(dataclasses.asdict(progress)))


def send_receipt(stream: IO[bytes], receipt: Receipt) -> None:
    """Say that a shard is done."""
    send(stream, "receipt", receipt.model_dump_json())


def send_error(stream: IO[bytes], error: str, *, final: bool, engine: bool = False) -> None:
    """Say that a shard failed, and name no secret.

    Args:
        stream: Where to write it.
        error: Why.
        final: Whether another attempt would fail the same way.
        engine: Whether other shards would, too, because the engine refuses whatever it is given.
    """
    send(stream, "error", json.dumps({"error": redacted(error), "final": final, "engine": engine}))


def _read(kind: str, body: Any) -> Any:  # noqa: ANN401 - the kind decides
    readers: dict[str, Callable[[Any], Any]] = {
        "task": ShardTask.model_validate,
        "receipt": Receipt.model_validate,
        "progress": lambda body: Progress(**body),
    }
    return readers.get(kind, lambda body: body)(body)
