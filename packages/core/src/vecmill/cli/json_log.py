"""JSON log: the events of a run as lines, for ``--log-json``."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import click

from vecmill.display import redact_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmill.records import RunEvent


LONGEST = 4_000
"""Characters of a text in the log; a traceback of a library may have any number."""


class Log:
    """Writes events, from any thread; one without a stream writes nothing.

    Attributes:
        talks: Whether it writes to standard error, where progress would be in its way.
    """

    def __init__(self, stream: TextIO | None = None, *, talks: bool = False) -> None:
        self.talks = talks
        self._stream = stream
        self._lock = threading.Lock()
        self._common: dict[str, Any] = {}

    def write(self, event: str, level: str = "info", **fields: Any) -> None:  # noqa: ANN401 - whatever JSON holds
        """Write one line."""
        with self._lock:
            if self._stream is None:
                return
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            line = {"time": now, "level": level, "event": event, **self._common, **fields}
            try:
                self._stream.write(json.dumps(_clean(line)) + "\n")
                self._stream.flush()
            except OSError as error:
                # A run is worth more than its log.
                self._stream = None
                if not self.talks:
                    click.echo(f"vecmill: the log cannot be written ({error.strerror}); the run goes on", err=True)

    def follow(self, observe: Callable[[RunEvent], None]) -> Callable[[RunEvent], None]:
        """Return an observer of a run that tells another one, and writes what is worth a line."""
        if self._stream is None:
            return observe
        from vecmill.cli.log_messages import Narration

        narration = Narration()

        def take(event: RunEvent) -> None:
            observe(event)
            for name, level, fields in narration.lines(event):
                if name == "run.started":
                    self._common["run_id"] = fields["run_id"]
                self.write(name, level, **fields)

        return take


def _clean(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return a value with its texts redacted, and of bounded length."""
    if isinstance(value, str):
        text = redact_secrets(value)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return value
