"""Warnings on standard error."""

from __future__ import annotations

import click

from vecmill.cli.text import said
from vecmill.plugins import load


def warn_of_plugins() -> None:
    """Report each plugin that was left out because it is broken."""
    for problem in load().problems.values():
        click.echo(f"vecmill: warning: {said(str(problem))}", err=True)
