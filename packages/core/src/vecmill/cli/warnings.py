"""Warnings on standard error."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import click

from vecmill.errors import PluginWarning

if TYPE_CHECKING:
    from typing import TextIO


def install() -> None:
    """Have warnings about plugins look like the command's other messages; those of libraries stay Python's."""
    others = warnings.showwarning

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
            others(message, category, filename, lineno, file, line)

    warnings.showwarning = show


def warn_of_plugins() -> None:
    """Report each plugin that was left out because it is broken."""
    from vecmill.plugins import load

    for problem in load().problems.values():
        _warn(str(problem))


def _warn(text: str) -> None:
    # Imported here, so that ``--help`` need not.
    from vecmill.cli.text import said

    click.echo(f"vecmill: warning: {said(text)}", err=True)
