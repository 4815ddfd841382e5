"""``vecmill report``: measure how well a dataset can be searched."""

from __future__ import annotations

from pathlib import Path

import click

from vecmill.cli.command import ask_on_terminal, model_options, read_embedder, subcommand


@subcommand("vecmill report out/articles --html report.html")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@model_options
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with charts as well.")
@click.option("--json", "as_json", is_flag=True, help="Print what was measured as JSON.")
def command(directory: Path, *, html: Path | None, model: str | None, embedder: tuple[str, ...], as_json: bool) -> None:
    """Measure a dataset: chunk lengths, vectors, search.

    Every chunk's length is counted. On a sample: how the vectors lie, how many chunks repeat, and whether documents
    are found when they are asked for by title.
    """
    from vecmill.cli.format import escape_json
    from vecmill.cli.progress import waiting
    from vecmill.quality import measure
    from vecmill.quality.report import format_lines, format_page
    from vecmill.sanitize import flatten

    options = read_embedder(embedder)
    with waiting(f"measuring {directory}") as wait:
        report = measure(directory, model=model, embedder=options, confirm=ask_on_terminal(wait))
    if html is not None:
        _write(html, format_page(report))
    if as_json:
        click.echo(escape_json(report.model_dump_json(indent=2)))
        return
    lines = [*format_lines(report), *([("page", str(html))] if html is not None else [])]
    click.echo("\n".join(f"{name:<10} {flatten(line)}" for name, line in lines))


def _write(path: Path, text: str) -> None:
    from vecmill.errors import StoreError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error}): name another file") from None
