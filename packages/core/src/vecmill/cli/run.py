"""``vecmill run``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecmill.cli.subcommand import subcommand

if TYPE_CHECKING:
    from vecmill.cli.tally import Tally


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
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def command(job_file: Path, *, overrides: tuple[str, ...], overwrite: bool, as_json: bool, quiet: bool) -> None:
    """Run a job, or go on where it was interrupted.

    The same command again goes on where an interrupted run was; a finished run is checked, and left alone.
    """
    from vecmill.cli.progress import progress
    from vecmill.cli.summary import summary
    from vecmill.cli.tally import Tally
    from vecmill.cli.warnings import warn_of_plugins
    from vecmill.job import Job, run

    tally = Tally()
    job = Job.load(job_file, overrides)
    warn_of_plugins()
    try:
        with progress(tally, quiet=quiet) as observe:
            dataset = run(job, observe, overwrite=overwrite)
    except KeyboardInterrupt:
        click.echo(f"vecmill: {_interrupted(tally)}", err=True)
        raise
    click.echo(dataset.manifest.model_dump_json(indent=2) if as_json else summary(dataset, tally))


def _interrupted(tally: Tally) -> str:
    from vecmill.cli.interrupt import same_command

    view = tally.view()
    if view.shards:
        state = f"interrupted; {view.shards_done:,} of {view.shards:,} shards are done and kept. To go on, run"
    else:
        state = "interrupted before the work began. To begin again, run"
    return f"{state} the same command again:\n    {same_command()}"
