"""Log: what a command does as JSON, one event a line, for machines. docs/operations.md lists the events."""

from __future__ import annotations

import contextlib
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

from vecmill.cli import interrupt, warnings
from vecmill.cli.subcommand import Settings
from vecmill.errors import ConfigError, VecmillError
from vecmill.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill.records import RunEvent

STANDARD_ERROR = "-"
LONGEST = 4_000
"""Characters of a text in the log; a traceback of a library may have any number."""


def _is_no_subject(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse what was meant for the command itself: an option that takes a name or none takes any that follows."""
    if value and (value.endswith(".toml") or Path(value).is_dir()):
        told = f"{value} was taken for the log's file. Name it before --log-json, or write --log-json=FILE."
        raise click.UsageError(told, context)
    del parameter
    return value


log_option = click.option(
    "--log-json",
    "log_json",
    is_flag=False,
    callback=_is_no_subject,
    flag_value=STANDARD_ERROR,
    metavar="[FILE]",
    help="Log events as JSON lines, to a file or, in place of progress, to standard error.",
)


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
        from vecmill.cli.narration import Narration

        narration = Narration()

        def take(event: RunEvent) -> None:
            observe(event)
            for name, level, fields in narration.lines(event):
                if name == "run.started":
                    self._common["run_id"] = fields["run_id"]
                self.write(name, level, **fields)

        return take


@contextlib.contextmanager
def logged(place: str | None, command: str, subject: str) -> Iterator[Log]:
    """Log a command from its first line to its last, which says how it ended.

    Args:
        place: A file to append to, ``-`` for standard error, or ``None`` for no log.
        command: The command's name.
        subject: The job file or the dataset.

    Raises:
        ConfigError: The file cannot be written.
    """
    from vecmill.__about__ import __version__

    began = time.perf_counter()
    with _opened(place) as log, warnings.told_to(log):
        log.write("command.started", command=command, subject=subject, version=__version__, pid=os.getpid())
        try:
            yield log
        except BaseException as error:
            took = round(time.perf_counter() - began, 3)
            level = "warning" if _code(error) == interrupt.INTERRUPTED else "error"
            why = {"error": str(error), "kind": type(error).__name__, **_trace(error)}
            log.write("command.ended", level, exit_code=_code(error), seconds=took, **why)
            if log.talks and _is_ours_to_tell(error):
                raise click.exceptions.Exit(_code(error)) from error  # what it says stands in the log
            raise
        log.write("command.ended", exit_code=0, seconds=round(time.perf_counter() - began, 3))


@contextlib.contextmanager
def _opened(place: str | None) -> Iterator[Log]:
    if place is None:
        yield Log()
    elif place == STANDARD_ERROR:
        with _alone(sys.stderr) as log:
            yield log
    else:
        with _file(place) as stream:
            yield Log(stream)


@contextlib.contextmanager
def _alone(stream: TextIO) -> Iterator[Log]:
    """Log to standard error, where whatever else is written meanwhile becomes an event as well."""
    from vecmill.cli.heard import Heard

    log = Log(stream, talks=True)
    heard = Heard(stream, lambda line: log.write("command.said", text=line))
    with contextlib.redirect_stderr(heard):
        try:
            yield log
        finally:
            heard.finish()


def _file(place: str) -> TextIO:
    try:
        return Path(place).open("a", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--log-json: {place} cannot be written ({error.strerror}): name another file") from None


def _code(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt) or interrupt.requested():
        return interrupt.INTERRUPTED
    return error.exit_code if isinstance(error, VecmillError) else 1


def _is_ours_to_tell(error: BaseException) -> bool:
    others = (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError)
    return isinstance(error, Exception) and not isinstance(error, others)


def _trace(error: BaseException) -> dict[str, str]:
    """Return the traceback, if ``--debug`` asks for it."""
    context = click.get_current_context(silent=True)
    settings = context and context.find_object(Settings)
    return {"traceback": "".join(traceback.format_exception(error))} if settings and settings.debug else {}


def _clean(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return a value with its texts redacted, and of bounded length."""
    if isinstance(value, str):
        text = redacted(value)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return value
