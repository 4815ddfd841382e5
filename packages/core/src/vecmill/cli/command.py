"""Command: the options and settings that commands share."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmill.cli.progress import Waiting


@dataclass(slots=True)
class Settings:
    """What holds for the command line, before or after the command's name."""

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


NAME = "name"


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--model`` and ``--embedder``."""
    model = click.option(
        "--model", metavar="MODEL", help="The dataset's model, a Hub id or a folder, if no run of yours made it here."
    )
    embedder = click.option(
        "--embedder",
        multiple=True,
        metavar="NAME|KEY=VALUE",
        help="The embedder, or an option of it, such as url=http://127.0.0.1:8080; repeatable.",
    )
    return model(embedder(command))


def read_embedder(words: tuple[str, ...]) -> dict[str, Any]:
    """Return the embedder's options that the command line names, its name among them.

    Raises:
        ConfigError: One is not of the form that it must have.
    """
    from vecmill.job.config import apply

    names = [f"{NAME}={word!r}" for word in words if "=" not in word]
    return apply({}, [*names, *(word for word in words if "=" in word)], "--embedder")


def ask_on_terminal(wait: Waiting) -> Callable[[str], bool] | None:
    """Return a function that asks the user a question, if standard input and error are a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(question: str) -> bool:
        from vecmill.cli.format import clean_text
        from vecmill.cli.signals import prompt

        with wait.pause_spinner(), prompt():
            return click.confirm(f"vecmill: {clean_text(question)}", err=True)

    return ask
