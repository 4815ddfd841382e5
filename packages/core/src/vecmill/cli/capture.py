"""Capture: a command with its log, and what libraries and workers write meanwhile."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from vecmill.cli import warnings
from vecmill.cli.command import Settings
from vecmill.cli.json_log import Log
from vecmill.cli.signals import INTERRUPTED
from vecmill.concurrency import interrupt_requested
from vecmill.errors import ConfigError, VecmillError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Heard(io.TextIOBase):
    """A stand-in for ``sys.stderr``: libraries warn and log there, and a log there has room for its own lines alone."""

    def __init__(self, stream: TextIO, tell: Callable[[str], None]) -> None:
        """Pass lines on.

        Args:
            stream: What it stands in for.
            tell: Is given each line that is not blank.
        """
        self._stream = stream
        self._tell = tell
        self._lock = threading.RLock()  # what is told of a line may itself write one
        self._rest = ""

    @property
    def encoding(self) -> str:  # type: ignore[override] # as in the class, where it cannot be set either
        """That of the stream."""
        return self._stream.encoding

    def fileno(self) -> int:
        """Return that of the stream: another process may be given it."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, text: str) -> int:
        """Pass on the lines that are whole."""
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
            self._tell(line)


STANDARD_ERROR = "-"


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


@contextlib.contextmanager
def log_command(place: str | None, command: str, subject: str) -> Iterator[Log]:
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
    with _open_log(place) as log, warnings.told_to(log):
        log.write("command.started", command=command, subject=subject, version=__version__, pid=os.getpid())
        try:
            yield log
        except BaseException as error:
            took = round(time.perf_counter() - began, 3)
            level = "warning" if _code(error) == INTERRUPTED else "error"
            why = {"error": str(error), "kind": type(error).__name__, **_trace(error)}
            log.write("command.ended", level, exit_code=_code(error), seconds=took, **why)
            if log.talks and _is_ours_to_tell(error):
                raise click.exceptions.Exit(_code(error)) from error  # what it says stands in the log
            raise
        log.write("command.ended", exit_code=0, seconds=round(time.perf_counter() - began, 3))


@contextlib.contextmanager
def _open_log(place: str | None) -> Iterator[Log]:
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
    if isinstance(error, KeyboardInterrupt) or interrupt_requested():
        return INTERRUPTED
    return error.exit_code if isinstance(error, VecmillError) else 1


def _is_ours_to_tell(error: BaseException) -> bool:
    others = (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError)
    return isinstance(error, Exception) and not isinstance(error, others)


def _trace(error: BaseException) -> dict[str, str]:
    """Return the traceback, if ``--debug`` asks for it."""
    context = click.get_current_context(silent=True)
    settings = context and context.find_object(Settings)
    return {"traceback": "".join(traceback.format_exception(error))} if settings and settings.debug else {}
