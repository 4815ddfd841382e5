"""``vecmill verify``: check that a dataset is what its manifest says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecmill.cli.command import ask_on_terminal, model_options, read_embedder, subcommand

if TYPE_CHECKING:
    from vecmill.store.verify import Verification


SAMPLE = 200
"""Chunks to embed again by default. If one in fifty was changed, they show it 98 times in 100."""


@subcommand("vecmill verify out/articles")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--expect", metavar="SHA256", help="The sha256 that manifest.json must have, as its run printed it.")
@click.option("--embed", is_flag=True, help="Embed a sample of the chunks again, and compare the vectors.")
@click.option(
    "--sample", metavar="N", type=click.IntRange(1), help=f"How many chunks --embed embeds.  [default: {SAMPLE}]"
)
@model_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def command(  # noqa: PLR0913 - a command takes its options
    context: click.Context,
    directory: Path,
    *,
    expect: str | None,
    embed: bool,
    sample: int | None,
    model: str | None,
    embedder: tuple[str, ...],
    as_json: bool,
) -> None:
    """Check a dataset against its manifest, row by row.

    Every file's size and sha256, every row's position and vector, the account, and that nothing in manifest, card,
    quarantine and rows contradicts the rest. Ends with 1 if anything is wrong. Whether a vector is the one of its
    text only the model knows: --embed compares some, if all else is right.
    """
    from vecmill.cli.progress import waiting
    from vecmill.quality.proof import verify

    if not embed and (sample or model or embedder):
        raise click.UsageError("--sample, --model and --embedder go with --embed: add it, or leave them out", context)
    options = read_embedder(embedder)
    with waiting(f"checking {directory}") as wait:
        result = verify(
            directory,
            expect=expect,
            sample=(sample or SAMPLE) if embed else 0,
            model=model,
            embedder=options,
            confirm=ask_on_terminal(wait),
        )
    if as_json:
        click.echo(_format_json(result))
    else:
        _print_result(result, directory)
    context.exit(0 if result.ok else 1)


def _print_result(result: Verification, directory: Path) -> None:
    from vecmill.cli.format import format_count, printable

    name = printable(str(directory))
    account, shards = result.manifest.account, format_count(len(result.manifest.shards), "shard")
    if result.ok:
        rows = f"{format_count(account.chunks, 'row')} of {format_count(account.documents_embedded, 'document')}"
        again = f"; {format_count(result.embedded, 'chunk')} embedded again" if result.embedded else ""
        click.echo(f"{name} is valid: {rows} in {shards}{again}")
        return
    for fault in result.faults:
        mark = click.style("ERROR", fg="red")
        click.echo(f"{mark}  {printable(fault.path)}: {printable(fault.problem)}", err=True)
    if result.more:
        click.echo(f"and {result.more:,} more", err=True)
    found = format_count(len(result.faults) + result.more, "error")
    click.echo(
        f"{name} has {found}: `vecmill run` with its job restores files that are missing or changed; for other "
        "errors get a copy that you trust, or remove the folder and run the job again",
        err=True,
    )


def _format_json(result: Verification) -> str:
    import dataclasses
    import json

    shown = {
        "ok": result.ok,
        "run_id": result.manifest.run_id,
        "manifest_sha256": result.sha256,
        "account": result.manifest.account.model_dump(),
        "faults": [dataclasses.asdict(fault) for fault in result.faults],
        "more": result.more,
        "embedded": result.embedded,
    }
    return json.dumps(shown, indent=2)
