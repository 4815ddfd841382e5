"""The command line: its commands, imported when used, and what it says of an error."""

from __future__ import annotations

import difflib
import importlib
import os
from pathlib import Path
from typing import Any, NoReturn

import click

from vecmill.__about__ import __version__
from vecmill.cli import streams
from vecmill.cli.command import Settings, debug_option
from vecmill.cli.signals import INTERRUPTED, end, install
from vecmill.concurrency import interrupt_requested

LONGEST = 10_000
"""Characters of a message: foreign text in it may be of any length, and drives what was said before off the screen."""


def report(error: Exception, *, debug: bool) -> int:
    """Print an error's message, and its traceback if asked for; return the exit code it stands for."""
    # Imported here, so that ``--help`` need not.
    from vecmill.cli.format import clean_text
    from vecmill.errors import VecmillError

    if debug:
        import traceback

        click.echo(clean_text("".join(traceback.format_exception(error))), err=True, nl=False)
    if isinstance(error, VecmillError):
        click.echo(f"vecmill: {_cut(clean_text(str(error)))}", err=True)
        return error.exit_code
    fault = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    click.echo(
        f"vecmill: {_cut(clean_text(fault))}\nThis is a fault of vecmill or of a plugin; --debug shows where.", err=True
    )
    return 1


def _cut(text: str) -> str:
    """Return the two ends of a long message: what happened stands at the one, and what to do at the other."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} … {text[-half:]}"


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
        command: click.Command = importlib.import_module(f"vecmill.cli.commands.{cmd_name}").command
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
            raise click.exceptions.Exit(INTERRUPTED) from None
        except Exception as error:  # noqa: BLE001 - the last stop: whatever it is, a message and an exit code
            if interrupt_requested():
                raise click.exceptions.Exit(INTERRUPTED) from None
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


OWN_BARS = ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_DATASETS_DISABLE_PROGRESS_BARS")
"""Libraries that would draw their own bars across ours, and fill a log with them."""


def main() -> NoReturn:
    """Run the command line and end the process: 0 done, 1 failed, 2 usage or configuration, 130 interrupted."""
    try:
        streams.open_closed()
        install()
        end(_command())
    except KeyboardInterrupt:  # and none is raised while this one is dealt with
        end(INTERRUPTED)


def _command() -> int:
    for name in OWN_BARS:
        os.environ.setdefault(name, "1")
    try:
        _click()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
        return INTERRUPTED if code and interrupt_requested() else code


def _click() -> NoReturn:
    from vecmill.cli import warnings

    warnings.install()
    group.main(prog_name="vecmill")
