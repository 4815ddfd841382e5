"""Entry: the group of commands, and what an error looks like."""

from __future__ import annotations

import importlib
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from vecmill.__about__ import __version__

if TYPE_CHECKING:
    from types import FrameType

COMMANDS = {
    "run": "Run a job, or go on where it was interrupted.",
    "verify": "Check a dataset against its manifest, row by row.",
    "search": "Find the passages nearest to a query.",
    "plugins": "List the installed components.",
    "doctor": "Check this machine: Python, packages, processor, disk, plugins.",
    "init": "Write a job file to start from.",
}
"""Every command with its one-line help, so that ``--help`` imports none of them."""

INTERRUPTED = 130


class LazyGroup(click.Group):
    """Imports a command's module when the command is used, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order a user meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"vecmill.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="vecmill")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def group(ctx: click.Context, *, debug: bool) -> None:
    """Turn a text corpus into a published embedding dataset."""
    ctx.obj = debug


def main() -> None:
    """Run the command line and end the process: 0 done, 1 failed, 2 usage, 130 interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        sys.exit(group.main(standalone_mode=False, obj=debug) or 0)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        sys.exit(_failed(error))


def _failed(error: Exception) -> int:
    from vecmill.errors import VecmillError

    if isinstance(error, VecmillError):
        click.echo(f"vecmill: {error}", err=True)
        return error.exit_code
    click.echo(
        f"vecmill: {type(error).__name__}: {error}\nThis is a fault of vecmill or a plugin; --debug shows where.",
        err=True,
    )
    return 1


def _interrupt(number: int, frame: FrameType | None) -> Any:  # noqa: ANN401, ARG001 - the signature of a signal handler
    raise KeyboardInterrupt
