"""``vecmill search``: a first look at what a dataset is good for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecmill.cli.model_option import ask_on_terminal, model_options, read_embedder
from vecmill.cli.subcommand import subcommand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.retrieval import Passage


@subcommand('vecmill search out/articles "why is the sky blue?"')
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("query")
@click.option("--limit", "-n", default=3, show_default=True, type=click.IntRange(1), help="How many passages.")
@model_options
@click.option("--full", is_flag=True, help="Show passages whole, not their first lines.")
@click.option("--json", "as_json", is_flag=True, help="Print the passages as JSON, whole.")
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

    Exact: the query is compared with every vector. The score is the cosine, 1 at most. The model of a dataset that no
    run of yours made here is used only if you name it or say yes.
    """
    from vecmill.cli.waiting import waiting
    from vecmill.retrieval import search

    _check(query)
    options = read_embedder(embedder)
    with waiting("searching") as wait:
        passages = search(directory, query, limit, model=model, embedder=options, confirm=ask_on_terminal(wait))
    if as_json:
        click.echo(_json(passages))
        return
    from vecmill.cli.passages import show

    show(passages, full=full)


def _check(query: str) -> None:
    from vecmill.errors import ConfigError

    if not query.strip():
        raise ConfigError("the query is empty: say what to look for")
    try:
        query.encode()
    except UnicodeEncodeError:
        raise ConfigError("the query is not valid Unicode: check the terminal's encoding") from None


def _json(passages: Sequence[Passage]) -> str:
    import dataclasses
    import json

    from vecmill.cli.text import escape_json

    return escape_json(json.dumps([dataclasses.asdict(passage) for passage in passages], indent=2, ensure_ascii=False))
