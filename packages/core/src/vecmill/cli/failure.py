"""Failure: what the command line says of an error."""

from __future__ import annotations

import click

LONGEST = 10_000
"""Characters of a message: foreign text in it may be of any length, and drives what was said before off the screen."""


def report(error: Exception, *, debug: bool) -> int:
    """Print an error's message, and its traceback if asked for; return the exit code it stands for."""
    # Imported here, so that ``--help`` need not.
    from vecmill.cli.text import said
    from vecmill.errors import VecmillError

    if debug:
        import traceback

        click.echo(said("".join(traceback.format_exception(error))), err=True, nl=False)
    if isinstance(error, VecmillError):
        click.echo(f"vecmill: {_cut(said(str(error)))}", err=True)
        return error.exit_code
    fault = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    click.echo(
        f"vecmill: {_cut(said(fault))}\nThis is a fault of vecmill or of a plugin; --debug shows where.", err=True
    )
    return 1


def _cut(text: str) -> str:
    """Return the two ends of a long message: what happened stands at the one, and what to do at the other."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} … {text[-half:]}"
