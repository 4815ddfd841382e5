"""resumable: a command that is interrupted says how it stands, and how it goes on."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from vecmill.cli import interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def resumable(state: Callable[[], str]) -> Iterator[None]:
    """Do something that the same command goes on with.

    Args:
        state: Says how it stands, and what it would be to run the command again: "…. To go on,".
    """
    try:
        yield
    except BaseException:
        if interrupt.requested():
            again = f"run the same command again:\n    {interrupt.same_command()}"
            click.echo(f"vecmill: {state()} {again}", err=True)
        raise
