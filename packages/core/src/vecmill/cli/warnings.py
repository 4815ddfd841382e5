"""Warnings of a command, on standard error and in its log."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING

import click

from vecmill.errors import PluginWarning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from vecmill.cli.json_log import Log

_logs: list[Log] = []


def install() -> None:
    """Have warnings about plugins look like the command's other messages; those of libraries look as Python's do."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, PluginWarning):
            _warn(str(message))
        else:
            from vecmill.cli.format import clean_text

            text = warnings.formatwarning(message, category, filename, lineno, line)  # may quote a corpus or a server
            click.echo(clean_text(text), file=file, err=True, nl=False)

    warnings.showwarning = show


@contextlib.contextmanager
def told_to(log: Log) -> Iterator[None]:
    """Have a command's log tell of warnings about plugins, and it alone where a message would be in its way."""
    _logs.append(log)
    try:
        yield
    finally:
        _logs.remove(log)


def warn_of_plugins(wanted: Iterable[tuple[str, str]] = ()) -> None:
    """Report each plugin that was left out because it is broken.

    Args:
        wanted: Kind and name of each component that is about to be used: a plugin for which one of them is not there
            is in the error that follows.
    """
    from vecmill.plugins import load

    registry = load().registry
    blamed = {problem.plugin for kind, name in wanted for problem in registry.blame(kind, name)}
    for problem in registry.problems.values():
        if problem.plugin not in blamed:
            _warn(str(problem))


def _warn(text: str) -> None:
    # Imported here, so that ``--help`` need not.
    from vecmill.cli.format import clean_text, printable

    for log in _logs:
        log.write("command.warned", "warning", text=printable(text))
    if not any(log.talks for log in _logs):
        click.echo(f"vecmill: warning: {clean_text(text)}", err=True)
