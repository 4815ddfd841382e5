"""Group: the commands by name, and what an error looks like."""

from __future__ import annotations

import difflib
import importlib
import os
from pathlib import Path
from typing import Any

import click

from vecmill.__about__ import __version__
from vecmill.cli import interrupt
from vecmill.cli.failure import report
from vecmill.cli.subcommand import Settings, debug_option

COMMANDS = {
    "run": "Run a job, or go on where it was interrupted.",
    "estimate": "Say what a job will come to: chunks, size, time, cost.",
    "verify": "Check a dataset against its manifest, row by row.",
    "search": "Find the passages nearest to a query.",
    "report": "Measure a dataset: chunk lengths, vectors, search.",
    "publish": "Publish a dataset that an earlier run made.",
    "plugins": "List the installed components.",
    "doctor": "Check this machine: Python, packages, processor, disk, plugins.",
    "init": "Write a job file to start from.",
}
"""Every command with its one-line help, so that ``--help`` imports none of them."""


class Group(click.Group):
    """Imports a command's module when the command is used, and ends the process with vecmill's exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order a user meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"vecmill.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is refused with the nearest name."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run a command; what it raises becomes a message and an exit code."""
        _refuse_nowhere(ctx)
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            raise click.exceptions.Exit(interrupt.INTERRUPTED) from None
        except Exception as error:  # noqa: BLE001 - the last stop: whatever it is, a message and an exit code
            if interrupt.requested():
                raise click.exceptions.Exit(interrupt.INTERRUPTED) from None
            raise click.exceptions.Exit(report(error, debug=ctx.ensure_object(Settings).debug)) from None


def _refuse_nowhere(context: click.Context) -> None:
    """Refuse to work in a folder that is gone: no path that is relative to it means anything."""
    try:
        Path.cwd()
    except OSError as error:
        why = error.strerror or str(error)
        raise click.UsageError(f"The current folder is gone ({why}). Change to another one.", context) from None


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="vecmill")
@click.pass_context
def group(context: click.Context) -> None:
    """Turn a text corpus into a published embedding dataset."""
    if os.environ.get("NO_COLOR"):
        context.color = False


group.params.append(debug_option())
