"""Messages: errors and warnings as the command line prints them, on standard error and in the log."""

from __future__ import annotations

import contextlib
import traceback
import warnings
from typing import TYPE_CHECKING

import click

from vecmill.cli.format import clean_text
from vecmill.errors import PluginWarning, SourceWarning, VecmillError, describe_error
from vecmill.sanitize import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from vecmill.cli.json_log import Log

LONGEST = 10_000
"""Characters of a message: foreign text in it may have any length, and pushes earlier messages off the screen."""
BUG = "vecmill or a plugin has a bug: run with --debug to see where, and report it"

_logs: list[Log] = []


def report_error(error: Exception, *, debug: bool) -> int:
    """Print an error's message, and its traceback if asked for; return its exit code."""
    if debug:
        click.echo(clean_text("".join(traceback.format_exception(error))), err=True, nl=False)
    if isinstance(error, VecmillError):
        click.echo(f"vecmill: {_shorten(clean_text(str(error)))}", err=True)
        return error.exit_code
    problem = describe_error(error) if str(error) else type(error).__name__
    click.echo(f"vecmill: {_shorten(clean_text(problem))}\n{BUG}", err=True)
    return 1


def _shorten(text: str) -> str:
    """Return the two ends of a long message: the first says what happened, the last what to do."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} … {text[-half:]}"


def install_warnings() -> None:
    """Print warnings about plugins and corpora as the command's other messages; those of libraries as Python does."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, PluginWarning | SourceWarning):
            _warn(str(message))
        else:
            text = warnings.formatwarning(message, category, filename, lineno, line)  # may quote a corpus or a server
            click.echo(clean_text(text), file=file, err=True, nl=False)

    warnings.showwarning = show


@contextlib.contextmanager
def log_warnings(log: Log) -> Iterator[None]:
    """Log warnings about plugins and corpora, too; or instead, where the log takes the place of messages."""
    _logs.append(log)
    try:
        yield
    finally:
        _logs.remove(log)


def warn_of_plugins(wanted: Iterable[tuple[str, str]] = ()) -> None:
    """Report each plugin that was left out because it is broken.

    Args:
        wanted: Kind and name of each component that is about to be used. If one of them is missing because its plugin
            was left out, the error that follows names the plugin, so no warning does.
    """
    from vecmill.plugins import load

    registry = load().registry
    blamed = {problem.plugin for kind, name in wanted for problem in registry.blame(kind, name)}
    for problem in registry.problems.values():
        if problem.plugin not in blamed:
            _warn(str(problem))


def _warn(text: str) -> None:
    for log in _logs:
        log.write("command.warned", "warning", text=printable(text))
    if not any(log.on_stderr for log in _logs):
        click.echo(f"vecmill: warning: {clean_text(text)}", err=True)
