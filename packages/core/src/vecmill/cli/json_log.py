"""JSON log: a command's events as lines of JSON, for ``--log-json``.

Without a file the log goes to standard error, and whatever a library would write there meanwhile is an event as well.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from vecmill.cli import messages
from vecmill.cli.command import Settings
from vecmill.cli.signals import INTERRUPTED
from vecmill.concurrency import interrupt_requested
from vecmill.errors import ConfigError, VecmillError
from vecmill.sanitize import redact_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from vecmill.records import RunEvent, RunFinished, ShardDone


STANDARD_ERROR = "-"


def _check_log_file(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse what was meant for the command: an option that takes a name or none takes any word that follows."""
    del parameter
    if value and (value.endswith(".toml") or Path(value).is_dir()):
        message = f"{value} was taken for the log's file: name it before --log-json, or write --log-json=FILE"
        raise click.UsageError(message, context)
    return value


log_option = click.option(
    "--log-json",
    "log_json",
    is_flag=False,
    callback=_check_log_file,
    flag_value=STANDARD_ERROR,
    metavar="[FILE]",
    help="Log events as JSON lines, to a file or, instead of progress, to standard error.",
)

LONGEST = 4_000
"""Characters of a text in the log; a traceback of a library may have any number."""


class Log:
    """Writes events, from any thread; one without a stream writes nothing.

    Attributes:
        on_stderr: Whether it writes to standard error, where it takes the place of progress and messages.
    """

    def __init__(self, stream: TextIO | None = None, *, on_stderr: bool = False) -> None:
        self.on_stderr = on_stderr
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
                if not self.on_stderr:
                    click.echo(f"vecmill: the log cannot be written ({error.strerror}); the run goes on", err=True)

    def follow(self, observe: Callable[[RunEvent], None]) -> Callable[[RunEvent], None]:
        """Return an observer of a run that calls another one, and logs each event that is worth a line."""
        if self._stream is None:
            return observe
        events = LogEvents()

        def take(event: RunEvent) -> None:
            observe(event)
            for name, level, fields in events.lines(event):
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


INTERVAL_SECONDS = 10.0
"""Between two lines about the progress of one thing."""

Line = tuple[str, str, dict[str, Any]]


class LogEvents:
    """Turns a run's events into lines; remembers each shard's attempt, and when its progress was last logged."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._attempts: dict[int, dict[str, Any]] = {}
        self._logged: dict[Hashable, float] = {}

    def lines(self, event: RunEvent) -> Iterator[Line]:
        """Yield an event's line: its name, its level, its fields. Progress is left out if some was logged just now."""
        from vecmill import records

        match event:
            case records.RunSubmitted():
                yield "run.submitted", "info", dataclasses.asdict(event)
            case records.RunStarted():
                yield "run.started", "info", dataclasses.asdict(event)
            case records.DocumentsRetried():
                yield "documents.retried", "warning" if event.error else "info", dataclasses.asdict(event)
            case records.RunFinished():
                yield _describe_run(event)
            case records.Publishing():
                if event.done == event.bytes or self._due(event.place):
                    yield "publish.progress", "info", dataclasses.asdict(event)
            case records.Spent(cost, machines):
                if self._due("cost"):
                    yield "run.spent", "info", {"cost": cost.model_dump(), "machines": machines}
            case records.WorkerLogged():
                yield "worker.said", "info", dataclasses.asdict(event)
            case _:
                yield from self._shard_lines(event)

    def _shard_lines(self, event: RunEvent) -> Iterator[Line]:
        from vecmill import records

        match event:
            case records.ShardStarted(shard, attempt, worker):
                self._attempts[shard] = {"attempt": attempt, "worker": worker}
                yield "shard.started", "info", self._fields(shard)
            case records.ShardProgress(progress):
                if self._due(progress.shard):
                    yield "shard.progress", "info", self._fields(**dataclasses.asdict(progress))
            case records.ShardDone(receipt):
                yield "shard.done", "info", self._fields(receipt.index, **_describe_shard(event))
            case records.ShardRetried(shard, error):
                yield "shard.retried", "warning", self._fields(shard, error=error)
            case records.ShardFailed(failure):
                fields = {"attempts": failure.attempts, "error": failure.error}
                yield "shard.failed", "error", self._fields(failure.index, **fields)

    def _fields(self, shard: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
        return {"shard": shard, **self._attempts.get(shard, {}), **fields}

    def _due(self, what: Hashable) -> bool:
        now = self._clock()
        if now - self._logged.get(what, now - INTERVAL_SECONDS) < INTERVAL_SECONDS:
            return False
        self._logged[what] = now
        return True


def _describe_shard(event: ShardDone) -> dict[str, Any]:
    receipt = event.receipt
    file = {"file": receipt.shard.path, "file_bytes": receipt.shard.bytes, "sha256": receipt.shard.sha256}
    return {"seconds": round(receipt.seconds, 3), "bytes": event.bytes, **receipt.account.model_dump(), **file}


def _describe_run(event: RunFinished) -> Line:
    manifest = event.manifest
    level = "info" if manifest.status == "complete" else "error"
    counts = {"shards": len(manifest.shards), **manifest.account.model_dump(), "reasons": manifest.reasons}
    times = {"wall_seconds": manifest.timing.wall_seconds, "worker_seconds": manifest.timing.worker_seconds}
    return "run.finished", level, {"directory": event.directory, "status": manifest.status, **counts, **times}


@contextlib.contextmanager
def log_command(destination: str | None, command: str, subject: str) -> Iterator[Log]:
    """Log a command from its first line to its last, which has its exit code.

    Args:
        destination: A file to append to, ``-`` for standard error, or ``None`` for no log.
        command: The command's name.
        subject: The job file or the dataset.

    Raises:
        ConfigError: The file cannot be written.
    """
    from vecmill.__about__ import __version__

    began = time.perf_counter()
    with _open_log(destination) as log, messages.log_warnings(log):
        log.write("command.started", command=command, subject=subject, version=__version__, pid=os.getpid())
        try:
            yield log
        except BaseException as error:
            took = round(time.perf_counter() - began, 3)
            level = "warning" if _find_exit_code(error) == INTERRUPTED else "error"
            why = {"error": str(error), "kind": type(error).__name__, **_format_trace(error)}
            log.write("command.ended", level, exit_code=_find_exit_code(error), seconds=took, **why)
            if log.on_stderr and _is_reported(error):
                raise click.exceptions.Exit(_find_exit_code(error)) from error  # its message is in the log
            raise
        log.write("command.ended", exit_code=0, seconds=round(time.perf_counter() - began, 3))


@contextlib.contextmanager
def _open_log(destination: str | None) -> Iterator[Log]:
    if destination is None:
        yield Log()
    elif destination == STANDARD_ERROR:
        with _capture_stderr(sys.stderr) as log:
            yield log
    else:
        with _open_file(destination) as stream:
            yield Log(stream)


@contextlib.contextmanager
def _capture_stderr(stream: TextIO) -> Iterator[Log]:
    """Log to standard error, where whatever else is written meanwhile becomes an event as well."""
    log = Log(stream, on_stderr=True)
    capture = LineCapture(stream, lambda line: log.write("command.said", text=line))
    with contextlib.redirect_stderr(capture):
        try:
            yield log
        finally:
            capture.finish()


def _open_file(path: str) -> TextIO:
    try:
        return Path(path).open("a", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--log-json: {path} cannot be written ({error.strerror}): name another file") from None


def _find_exit_code(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt) or interrupt_requested():
        return INTERRUPTED
    return error.exit_code if isinstance(error, VecmillError) else 1


def _is_reported(error: BaseException) -> bool:
    """Whether the command line prints a message for an error, rather than click or the system."""
    others = (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError)
    return isinstance(error, Exception) and not isinstance(error, others)


def _format_trace(error: BaseException) -> dict[str, str]:
    """Return the traceback, if ``--debug`` asks for it."""
    context = click.get_current_context(silent=True)
    settings = context and context.find_object(Settings)
    return {"traceback": "".join(traceback.format_exception(error))} if settings and settings.debug else {}


class LineCapture(io.TextIOBase):
    """A stand-in for ``sys.stderr``, which libraries warn and log to: it passes lines on."""

    def __init__(self, stream: TextIO, write_line: Callable[[str], None]) -> None:
        """Pass lines on.

        Args:
            stream: What it stands in for.
            write_line: Called with each line that is not blank.
        """
        self._stream = stream
        self._write_line = write_line
        self._lock = threading.RLock()  # whoever is given a line may itself write one
        self._rest = ""

    @property
    def encoding(self) -> str:  # type: ignore[override] # as in the class, where it cannot be set either
        """That of the stream."""
        return self._stream.encoding

    def fileno(self) -> int:
        """Return that of the stream: another process may be given it."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Return true."""
        return True

    def write(self, text: str) -> int:
        """Pass on the lines that have ended."""
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            for line in lines:
                self._pass_on(line)
        return len(text)

    def finish(self) -> None:
        """Pass on a last line without an end."""
        with self._lock:
            rest, self._rest = self._rest, ""
            self._pass_on(rest)

    def _pass_on(self, line: str) -> None:
        if line.strip():
            self._write_line(line)
