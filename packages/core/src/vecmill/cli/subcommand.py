"""Subcommand: what all commands have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Settings:
    """What holds for the whole command line, wherever it was said."""

    debug: bool = False


def debug_option() -> click.Option:
    """Return the option ``--debug``, which the group and every command take."""
    return click.Option(
        ["--debug"], is_flag=True, expose_value=False, callback=_set_debug, help="Show the traceback of an error."
    )


def subcommand(example: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a command of a function; ``example`` is shown at the end of its ``--help``, a line for each."""
    lines = "\n".join(f"  {line}" for line in example.splitlines())

    def decorate(function: Callable[..., Any]) -> click.Command:
        command = click.command(epilog=f"\b\nExample:\n{lines}")(function)
        command.params.append(debug_option())
        return command

    return decorate


def _set_debug(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's call
    del parameter
    settings = context.ensure_object(Settings)
    settings.debug = settings.debug or value
