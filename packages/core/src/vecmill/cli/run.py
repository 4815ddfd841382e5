"""``vecmill run``: the main job."""

from __future__ import annotations

from pathlib import Path

import click


@click.command
@click.argument("job_file", metavar="JOB.toml", type=click.Path(path_type=Path))
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key of the job: source.limit=100."
)
@click.option("--overwrite", is_flag=True, help="Replace another run in the output folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def command(job_file: Path, *, overrides: tuple[str, ...], overwrite: bool, as_json: bool, quiet: bool) -> None:
    """Run a job, or go on where it was interrupted."""
    from vecmill.cli.progress import observer
    from vecmill.cli.warnings import warn_of_plugins
    from vecmill.job import Job, run

    job = Job.load(job_file, overrides)
    warn_of_plugins()
    try:
        with observer(quiet=quiet) as observe:
            dataset = run(job, observe, overwrite=overwrite)
    except KeyboardInterrupt:
        click.echo("\nInterrupted. Finished shards are kept: run the same command again to go on.", err=True)
        raise
    if as_json:
        click.echo(dataset.manifest.model_dump_json(indent=2))
    else:
        from vecmill.cli.summary import summary

        click.echo(summary(dataset))
