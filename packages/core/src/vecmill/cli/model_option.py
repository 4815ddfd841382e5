"""The options of commands that embed queries with a dataset's model, and the question that they ask."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmill.cli.waiting import Waiting

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
    from vecmill.job.overrides import apply

    names = [f"{NAME}={word!r}" for word in words if "=" not in word]
    return apply({}, [*names, *(word for word in words if "=" in word)], "--embedder")


def ask_on_terminal(wait: Waiting) -> Callable[[str], bool] | None:
    """Return what asks the user a question, if there is one at a terminal who can see it and answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(question: str) -> bool:
        from vecmill.cli.text import said

        with wait.paused():
            return click.confirm(f"vecmill: {said(question)}", err=True)

    return ask
