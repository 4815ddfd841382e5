"""The command line: its commands, imported when they are used, and the message and exit code of an error."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from vecmill.__about__ import __version__
from vecmill.cli.command import Settings, debug_option
from vecmill.cli.messages import install_warnings, report_error
from vecmill.cli.signals import INTERRUPTED, end, install
from vecmill.concurrency import check_interrupt, interrupt_requested

COMMANDS = {
    "run": "Run a job, or resume an interrupted one.",
    "estimate": "Estimate a job: chunks, size, time, cost.",
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
        check_interrupt()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is refused with the nearest name."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(COMMANDS)}"
            ctx.fail(f"no such command {args[0]!r}: {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run a command; an error becomes a message and an exit code."""
        _check_current_folder(ctx)
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None
        except Exception as error:  # noqa: BLE001 - nothing above catches it, and every error gets a message and an exit code
            if interrupt_requested():
                raise click.exceptions.Exit(INTERRUPTED) from None
            raise click.exceptions.Exit(report_error(error, debug=ctx.ensure_object(Settings).debug)) from None


def _check_current_folder(context: click.Context) -> None:
    """Refuse to work in a folder that was removed: a relative path means nothing there."""
    try:
        Path.cwd()
    except OSError as error:
        why = error.strerror or str(error)
        raise click.UsageError(f"the current folder is gone ({why}): change to another one", context) from None


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="vecmill")
@click.pass_context
def group(context: click.Context) -> None:
    """Turn a text corpus into a published embedding dataset."""
    if os.environ.get("NO_COLOR"):
        context.color = False


group.params.append(debug_option())


LIBRARY_BARS = ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_DATASETS_DISABLE_PROGRESS_BARS")
"""Variables that keep libraries from drawing progress bars across ours, and into a log."""


STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""By the number of their file."""


def _open_streams() -> None:
    """Open a closed stream to nowhere: the next file that is opened would have its number, and get its messages."""
    for number, (name, mode) in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # It gets the lowest number that is free, and all below this one are not.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - a system call's own argument
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="replace", closefd=False))
    # No terminal and no locale of every machine has all of Unicode, and no path need be Unicode at all.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def main() -> NoReturn:
    """Run the command line and end the process: 0 done, 1 failed, 2 usage or configuration, 130 interrupted."""
    try:
        _open_streams()
        install()
        end(_command())
    except KeyboardInterrupt:  # and none is raised while this one is dealt with
        end(INTERRUPTED)


def _command() -> int:
    for name in LIBRARY_BARS:
        os.environ.setdefault(name, "1")
    try:
        _click()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
        return INTERRUPTED if code and interrupt_requested() else code


def _click() -> NoReturn:
    install_warnings()
    group.main(prog_name="vecmill")
