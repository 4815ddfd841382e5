"""``vecmill estimate``: the size, time and cost of a job, before it is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecmill.cli.command import subcommand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill.records import Estimate, Range


@subcommand("vecmill estimate job.toml\nvecmill estimate job.toml --gpus 50 --set runtime.gpu=L4")
@click.argument("job_file", metavar="JOB.toml", type=click.Path(path_type=Path))
@click.option("--gpus", type=click.IntRange(1, 1000), help="Estimate with this many GPUs on Modal.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key of the job.")
@click.option("--json", "as_json", is_flag=True, help="Print the estimate as JSON.")
def command(job_file: Path, *, gpus: int | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Estimate a job: chunks, size, time, cost.

    Reads a part of the corpus, all of it if it is small, and writes nothing. Without --gpus, a job for this
    machine is timed by embedding a few of its chunks.
    """
    from vecmill.cli.format import escape_json, printable
    from vecmill.cli.progress import waiting
    from vecmill.job.config import Job
    from vecmill.job.estimate import estimate

    job = Job.load(job_file, overrides)
    with waiting(f"reading a part of {job.source.name}"):
        found = estimate(job, gpus)
    if as_json:
        click.echo(escape_json(found.model_dump_json(indent=2)))
    else:
        click.echo("\n".join(f"{name:<10} {printable(line)}" for name, line in _format_estimate(found)))


def _format_estimate(found: Estimate) -> Iterator[tuple[str, str]]:
    from vecmill.cli.format import format_count, format_duration, format_size

    about = "" if found.exact else "about "
    yield "documents", f"{about}{found.documents:,}, {format_size(found.source_bytes)} of text"
    sampled = (
        "all of them counted" if found.exact else f"± {found.spread:.0%}, from {format_size(found.sampled_bytes)} of it"
    )
    yield "chunks", f"{about}{found.chunks:,}, {found.tokens:,} tokens ({sampled})"
    yield "dataset", f"about {format_size(found.dataset_bytes)} in {format_count(found.shards, 'shard')}"
    if found.pace is not None:
        yield "runs on", f"{found.pace.where}, {found.pace.basis}"
    if found.seconds is not None:
        yield "time", _format_range(found.seconds, format_duration)
    elif found.pace is not None:
        yield "time, cost", "not known"
    if found.cost_usd is not None:
        yield "cost", _format_range(found.cost_usd, lambda dollars: f"${dollars:,.2f}")


def _format_range(range_: Range, shown: Callable[[float], str]) -> str:
    low, high = shown(range_.low), shown(range_.high)
    return f"about {low}" if low == high else f"{low} to {high}"
