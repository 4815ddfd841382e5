"""``vecmill run``: run a job, and say what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vecmill.cli.capture import log_command, log_option
from vecmill.cli.command import subcommand
from vecmill.cli.signals import resumable

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmill.cli.progress_stats import ProgressStats
    from vecmill.records import Dataset, RunEvent


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
    """Run a job, or go on where it was interrupted.

    The same command again goes on where an interrupted run was; a finished run is checked, and left alone.
    """
    from vecmill.cli.progress import progress
    from vecmill.cli.progress_stats import ProgressStats

    tally = ProgressStats()
    with log_command(log_json, "run", str(job_file)) as log:
        with resumable(lambda: _interrupt_message(tally)), progress(tally, quiet=quiet or log.talks) as observe:
            dataset = _run(job_file, overrides, log.follow(observe), how)
        signature = _sha256(dataset)
        log.write("run.published", places=list(dataset.published), manifest_sha256=signature)
    if as_json:
        click.echo(_json(dataset, signature))
    else:
        from vecmill.cli.summary import summary

        click.echo(summary(dataset, tally, signature))


def _sha256(dataset: Dataset) -> str:
    from vecmill.store.json import manifest_sha256

    return manifest_sha256(dataset)


def _json(dataset: Dataset, signature: str) -> str:
    import json

    return json.dumps({**dataset.manifest.model_dump(mode="json"), "manifest_sha256": signature}, indent=2)


def _run(
    job_file: Path, overrides: tuple[str, ...], observe: Callable[[RunEvent], None], how: dict[str, Any]
) -> Dataset:
    # Imported under the eyes of the progress display: on a slow disk this alone takes seconds.
    from vecmill.cli.warnings import warn_of_plugins
    from vecmill.job.config import Job
    from vecmill.job.runner import run

    job = Job.load(job_file, overrides)
    warn_of_plugins((kind, spec.name) for kind, spec in job.parts)
    return run(job, observe, **how)


def _interrupt_message(tally: ProgressStats) -> str:
    from vecmill.cli.format import plural
    from vecmill.cli.progress_stats import LAUNCHED

    view = tally.view()
    if view.shards:
        return f"interrupted; done and kept: {view.shards_done:,} of {plural(view.shards, 'shard')}.\nTo go on,"
    if view.phase == LAUNCHED:
        return "interrupted; what is done is kept there.\nTo go on,"
    return "interrupted before the work began.\nTo begin anew,"
