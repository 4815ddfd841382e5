"""``vecmill search``: a first look at what a dataset is good for."""

from __future__ import annotations

from pathlib import Path

import click


@click.command
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("query")
@click.option("--limit", "-n", default=3, show_default=True, type=click.IntRange(1), help="How many passages.")
@click.option("--json", "as_json", is_flag=True, help="Print the passages as JSON.")
def command(directory: Path, query: str, *, limit: int, as_json: bool) -> None:
    """Find the passages nearest to a query, with the dataset's own model."""
    from vecmill.retrieval import search

    passages = search(directory, query, limit)
    if as_json:
        import dataclasses
        import json

        click.echo(json.dumps([dataclasses.asdict(passage) for passage in passages], indent=2, ensure_ascii=False))
        return
    for passage in passages:
        click.echo(click.style(f"{passage.score:.3f}  {passage.title or passage.id}", bold=True))
        click.echo(f"{_excerpt(passage.text)}\n")


def _excerpt(text: str, width: int = 300) -> str:
    flat = " ".join(text.split())
    return "       " + (flat if len(flat) <= width else flat[: width - 1] + "…")
