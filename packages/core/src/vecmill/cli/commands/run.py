"""``vecmill run``: run a job, and print a summary of its dataset."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vecmill.cli.command import subcommand
from vecmill.cli.format import format_count, format_duration, format_rate, format_size, printable, shorten_path
from vecmill.cli.json_log import log_command, log_option
from vecmill.cli.messages import warn_of_plugins
from vecmill.cli.signals import resumable
from vecmill.concurrency import check_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill.cli.progress_stats import ProgressStats
    from vecmill.records import Account, Dataset, RunEvent


@subcommand("vecmill run job.toml\nvecmill run job.toml --set source.limit=100 --set publish.0.path=out/try")
@click.argument("job_file", metavar="JOB.toml", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a key of the job, for this run: dots go into tables, numbers into lists. May be repeated.",
)
@click.option("--overwrite", is_flag=True, help="Replace another run in the output folder.")
@click.option(
    "--since",
    metavar="DIR|REPO",
    help="An earlier dataset, its folder or its repo on the Hub: chunks that it has are not embedded again.",
)
@click.option(
    "--trust-vectors", is_flag=True, help="Take the vectors of --since without embedding a sample to compare."
)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON, and its sha256.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@log_option
def command(
    job_file: Path,
    *,
    overrides: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    log_json: str | None,
    **how: Any,  # noqa: ANN401 - what the runner takes as well
) -> None:
    """Run a job, or resume an interrupted one.

    The same command again resumes an interrupted run; a finished one is checked and left alone.
    """
    from vecmill.cli.progress import progress
    from vecmill.cli.progress_stats import ProgressStats
    from vecmill.store.files import manifest_sha256

    stats = ProgressStats()
    with log_command(log_json, "run", str(job_file)) as log:
        with resumable(lambda: _interrupt_message(stats)), progress(stats, quiet=quiet or log.on_stderr) as observe:
            dataset = _run(job_file, overrides, log.follow(observe), how)
        signature = manifest_sha256(dataset)
        log.write("run.published", places=list(dataset.published), manifest_sha256=signature)
    if as_json:
        click.echo(json.dumps({**dataset.manifest.model_dump(mode="json"), "manifest_sha256": signature}, indent=2))
    else:
        click.echo(format_summary(dataset, stats, signature))


def _run(
    job_file: Path, overrides: tuple[str, ...], observe: Callable[[RunEvent], None], how: dict[str, Any]
) -> Dataset:
    # Imported while progress is shown: on a slow disk this alone takes seconds.
    from vecmill.job.config import Job
    from vecmill.job.runner import run

    check_interrupt()
    job = Job.load(job_file, overrides)
    warn_of_plugins((kind, spec.name) for kind, spec in job.parts)
    return run(job, observe, **how)


def _interrupt_message(stats: ProgressStats) -> str:
    from vecmill.cli.progress_stats import SUBMITTED

    view = stats.view()
    if view.shards:
        return f"interrupted: {view.shards_done:,} of {format_count(view.shards, 'shard')} are done\nto resume,"
    if view.phase == SUBMITTED:
        return "interrupted: finished shards stay on the other machines\nto resume,"
    return "interrupted before the work began\nto start again,"


def format_summary(dataset: Dataset, stats: ProgressStats, signature: str) -> str:
    """Return the account, the speed and the locations of a dataset, as a few lines of text.

    Args:
        dataset: The finished dataset.
        stats: What the command did for it.
        signature: The sha256 of its manifest, in hex.
    """
    return "\n".join(f"{name:<10} {printable(line)}" for name, line in _describe_dataset(dataset, stats, signature))


def _describe_dataset(dataset: Dataset, stats: ProgressStats, signature: str) -> Iterator[tuple[str, str]]:
    from vecmill.cli.progress import format_retries

    account, manifest = dataset.account, dataset.manifest
    bytes_ = sum(entry.bytes for entry in manifest.shards)
    embedded, quarantined = account.documents_embedded, account.documents_quarantined
    yield "documents", f"{account.documents_in:,} in = {embedded:,} embedded + {quarantined:,} quarantined"
    for reason, count in manifest.reasons.items():
        yield "", f"{count:,} {printable(reason)}"
    if stats.retried is not None:
        yield "", format_retries(stats.retried)
    if manifest.quarantine is not None:
        yield "", f"quarantined in {shorten_path(dataset.path / manifest.quarantine.path)}"
    yield "chunks", _describe_chunks(account)
    if manifest.reused is not None:
        left = account.chunks - manifest.reused.chunks
        yield "", f"{manifest.reused.chunks:,} as the run {manifest.reused.run_id} made them, {left:,} embedded now"
    if dataset.fetch is None:
        yield from _describe_work(stats)
    if manifest.cost is not None:
        yield "cost", str(manifest.cost)
    yield (
        "dataset",
        f"{shorten_path(dataset.path)}: {format_count(len(manifest.shards), 'shard')}, {format_size(bytes_)}",
    )
    yield "manifest", signature
    yield from (("published", where) for where in dataset.published if where != str(dataset.path))
    yield "next", dataset.fetch or f'vecmill search {shlex.quote(shorten_path(dataset.path))} "a question"'


def _describe_chunks(account: Account) -> str:
    truncated = f"{account.truncated_chunks:,} truncated" if account.truncated_chunks else "none truncated"
    parts = [f"{account.chunks:,}", f"{account.characters:,} characters", f"{account.tokens:,} tokens", truncated]
    if account.shortened_titles:
        parts.append(f"{format_count(account.shortened_titles, 'title')} shortened")
    return ", ".join(parts)


def _describe_work(stats: ProgressStats) -> Iterator[tuple[str, str]]:
    view = stats.view()
    if not stats.shards_made:
        yield (
            "run",
            f"already complete; {format_count(view.shards, 'shard')} checked in {format_duration(view.seconds)}",
        )
        return
    if stats.shards_made < view.shards:
        before = view.shards - stats.shards_made
        yield "run", f"{stats.shards_made:,} of {format_count(view.shards, 'shard')} now, {before:,} were done before"
    seconds = max(stats.embedding_seconds, 1e-9)
    speed = (format_rate(stats.made.chunks / seconds, "chunks"), format_rate(stats.made.tokens / seconds, "tokens"))
    yield "speed", ", ".join(speed)
    yield "time", f"{format_duration(view.seconds)}, {format_duration(seconds)} of it embedding"
