"""``vecmill init``: a job file to start from."""

from __future__ import annotations

from pathlib import Path

import click

from vecmill.cli.subcommand import subcommand
from vecmill.cli.template import SOURCES, template


@subcommand("vecmill init articles.toml --source parquet --output out/articles")
@click.argument("path", type=click.Path(path_type=Path), default=Path("job.toml"))
@click.option("--source", type=click.Choice(list(SOURCES)), default="pydoc", show_default=True, help="Its source.")
@click.option("--model", metavar="ID", help="A model of the Hub, or a folder.  [default: all-MiniLM-L6-v2]")
@click.option("--output", metavar="DIR", help="Where the dataset goes.  [default: out/NAME]")
def command(path: Path, *, source: str, model: str | None, output: str | None) -> None:
    """Write a commented job file to start from: job.toml, if no PATH is given.

    As written it embeds Python's own language reference, on this machine.
    """
    from vecmill.cli.text import printable

    name = "python-reference" if source == "pydoc" else path.stem
    _write(path, template(path.name, source, model, output or f"out/{name}"))
    click.echo(f"Wrote {printable(str(path))}. Next: vecmill run {printable(str(path))}")


def _write(path: Path, text: str) -> None:
    from vecmill.errors import ConfigError

    if path.exists():
        raise ConfigError(f"{path} is there already: choose another name, or delete it first")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror or error}): choose another place") from None
