"""``vecmill doctor``: can this machine do the work?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vecmill.cli.subcommand import subcommand

if TYPE_CHECKING:
    from vecmill.cli.check import Check

COLORS = {"ok": "green", "note": "yellow", "fail": "red"}


@subcommand("vecmill doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.pass_context
def command(context: click.Context, *, as_json: bool) -> None:
    """Check what a run needs: Python, packages, processor, memory, disk, tokens, plugins.

    Ends with 1 if something that it needs is wrong; a note is for information.
    """
    from vecmill.cli.diagnosis import diagnosis
    from vecmill.cli.waiting import waiting

    with waiting("looking"):
        checks = list(diagnosis())
    failures = sum(check.level == "fail" for check in checks)
    if as_json:
        import dataclasses
        import json

        shown = {"ok": not failures, "checks": [dataclasses.asdict(check) for check in checks]}
        click.echo(json.dumps(shown, indent=2))
    else:
        _print(checks, failures)
    context.exit(int(bool(failures)))


def _print(checks: list[Check], failures: int) -> None:
    from vecmill.cli.text import plural

    width = max(len(check.name) for check in checks)
    for check in checks:
        _line(check, width)
    verdict = f"{plural(failures, 'problem')} to solve" if failures else "Ready to run on this machine."
    click.echo(f"\n{click.style(verdict, fg='red' if failures else 'green')}")


def _line(check: Check, width: int) -> None:
    mark = click.style(f"{check.level:<4}", fg=COLORS[check.level])
    for number, text in enumerate(_wrapped(check, width)):
        click.echo(f"{mark}  {check.name:<{width}}  {text}" if not number else f"{'':<{width + 8}}{text}")


def _wrapped(check: Check, width: int) -> list[str]:
    import shutil
    import textwrap

    room = max(30, shutil.get_terminal_size().columns - width - 8)
    hint = textwrap.wrap(check.hint, room, initial_indent="-> ", subsequent_indent="   ")
    return [*(textwrap.wrap(check.found, room) or [""]), *hint]
