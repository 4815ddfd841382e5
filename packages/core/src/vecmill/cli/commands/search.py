"""``vecmill search``: find the passages nearest to a query, and show them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from vecmill.cli.command import ask_on_terminal, model_options, read_embedder, subcommand
from vecmill.sanitize import flatten

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vecmill.retrieval import Passage


INDENT = 7
WIDEST = 100
LINES = 6


def print_passages(passages: Iterable[Passage], *, full: bool = False, console: Console | None = None) -> None:
    """Print passages, best first: score and title, the location, and the first lines of the text (or all of it)."""
    console = console or Console(file=sys.stdout, highlight=False)
    console.width = min(console.width, WIDEST)
    for number, passage in enumerate(passages):
        if number:
            console.print()
        for line in (_format_head(passage), _format_location(passage)):
            console.print(line, no_wrap=True, overflow="ellipsis")
        _print_body(passage, console, full=full)


def _format_head(passage: Passage) -> Text:
    meaning = "" if passage.similarity == "cosine" else f" {passage.similarity}"
    return Text.assemble(f"{passage.score:.3f}{meaning}  ", (flatten(passage.title or passage.id), "bold"))


def _format_location(passage: Passage) -> Text:
    location = f"chunk {passage.chunk_index}, characters {passage.start:,}-{passage.end:,}"
    names = [flatten(name) for name in (passage.id if passage.title else "", passage.url) if name]
    return Text(" " * INDENT + "  ".join([location, *names]), style="dim")


def _print_body(passage: Passage, console: Console, *, full: bool) -> None:
    # Wrapped by the cells of the terminal, not by characters: Chinese and emoji take two.
    wrapped = Text(flatten(passage.text)).wrap(console, console.width - INDENT)
    shown = wrapped if full else wrapped[:LINES]
    for line in shown:
        line.rstrip()
    if len(shown) < len(wrapped):
        shown[-1].truncate(console.width - INDENT - 1)
        shown[-1].append("…")
    for line in shown:
        console.print(Text(" " * INDENT).append_text(line), no_wrap=True)


@subcommand('vecmill search out/articles "why is the sky blue?"')
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("query")
@click.option("--limit", "-n", default=3, show_default=True, type=click.IntRange(1), help="How many passages.")
@model_options
@click.option("--full", is_flag=True, help="Show all of each passage, not its first lines.")
@click.option("--json", "as_json", is_flag=True, help="Print all of each passage as JSON.")
def command(  # noqa: PLR0913 - a command takes its options
    directory: Path,
    query: str,
    *,
    limit: int,
    model: str | None,
    embedder: tuple[str, ...],
    full: bool,
    as_json: bool,
) -> None:
    """Find the passages nearest to a query, with the dataset's own model.

    Exact: the query is compared with every vector, in the way that the model asks for. The score is the cosine, 1 at
    most; where it is a product or a distance, its name stands beside it, and a distance has a minus. The model of a
    dataset that no run of yours made here is used only if you name it or say yes.
    """
    from vecmill.cli.progress import waiting
    from vecmill.retrieval import search

    _check_query(query)
    options = read_embedder(embedder)
    with waiting("searching") as wait:
        passages = search(directory, query, limit, model=model, embedder=options, confirm=ask_on_terminal(wait))
    if as_json:
        click.echo(_format_json(passages))
        return

    print_passages(passages, full=full)


def _check_query(query: str) -> None:
    from vecmill.errors import ConfigError

    if not query.strip():
        raise ConfigError("the query is empty: say what to look for")
    try:
        query.encode()
    except UnicodeEncodeError:
        raise ConfigError("the query is not valid Unicode: check the terminal's encoding") from None


def _format_json(passages: Sequence[Passage]) -> str:
    import dataclasses
    import json

    from vecmill.cli.format import escape_json

    return escape_json(json.dumps([dataclasses.asdict(passage) for passage in passages], indent=2, ensure_ascii=False))
