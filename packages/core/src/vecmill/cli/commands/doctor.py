"""``vecmill doctor``: check this machine and what is installed."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecmill.cli import environment as machine
from vecmill.cli.command import subcommand
from vecmill.cli.environment import EXTRA, LOCAL, Check, check_accounts, check_packages, list_missing
from vecmill.cli.format import clean_text, format_size, printable
from vecmill.concurrency import check_interrupt
from vecmill.errors import describe_error
from vecmill.plugins.manager import DISABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.plugins import Plugins


OLDEST = (3, 11)
LITTLE_MEMORY = 2_000_000_000
LITTLE_DISK = 1_000_000_000
NEEDED = (("embedder", "openvino"), ("runtime", "local"), ("publisher", "parquet"))
"""The components of a run on this machine."""


def diagnose() -> Iterator[Check]:
    """Check the interpreter, the packages, the machine, the folder, the tokens and the plugins."""
    yield _check_python()
    yield from check_packages()
    yield _check_processor()
    yield _check_processors()
    yield from _check_memory()
    yield _check_disk(Path.cwd())
    yield from check_accounts()
    yield from _check_plugins()


def _check_python() -> Check:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < OLDEST:
        return Check("python", "fail", found, "vecmill needs Python 3.11 or newer")
    return Check("python", "ok", found)


def _check_processor() -> Check:
    name = platform.processor() or platform.machine()
    try:
        # By name: the core does not depend on an engine.
        processor = importlib.import_module("vecmill_openvino.precision").detect_processor()
    except ImportError:
        return Check("processor", "note", name, f"vecmill-openvino knows what it computes in: {LOCAL}")
    found = f"{processor.name} ({', '.join(processor.features) or 'no vector extensions listed'})"
    if processor.bf16:
        return Check("processor", "ok", f"{found}; embeds in bf16")
    return Check(
        "processor", "note", f"{found}; embeds in f32", "one with avx512_bf16 or amx_bf16 is about twice as fast"
    )


def _check_memory() -> Iterator[Check]:
    total, free = machine.measure_memory(), machine.measure_free_memory()
    if total is not None:
        found = format_size(total) if free is None else f"{format_size(total)}, {format_size(free)} free"
        scarce = min(total, free or total) < LITTLE_MEMORY
        hint = "a run needs about 1 GB and the size of the model; close something, or take a smaller model"
        yield Check("memory", "note", found, hint) if scarce else Check("memory", "ok", found)


def _check_processors() -> Check:
    count, quota = machine.count_processors(), machine.read_quota()
    if quota is not None and quota < count:
        found = f"{count} processors, of which this container may use {quota:g}"
        return Check(
            "processors",
            "note",
            found,
            "more threads than it may use slow a run down: give the container full processors",
        )
    return Check("processors", "ok", f"{count} for this process")


def _check_disk(folder: Path) -> Check:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check("disk", "note", f"{folder}: {error.strerror or error}")
    found = f"{format_size(free)} free in {printable(str(folder))}"
    if not os.access(folder, os.W_OK):
        return Check("disk", "note", f"{found}, which cannot be written", "name another output folder")
    if free < LITTLE_DISK:
        return Check("disk", "note", found, "100,000 chunks of 384 numbers take about 180 MB")
    return Check("disk", "ok", found)


def _check_plugins() -> Iterator[Check]:
    try:
        from vecmill.plugins import load

        plugins = load()
        plugins.check()
    except Exception as error:  # noqa: BLE001 - a damaged installation may raise anything, and is what the command diagnoses
        yield Check("plugins", "fail", describe_error(error), f"install it again: {LOCAL}")
        yield from _check_local(list_missing(), [])
        return
    yield from _list_plugins(plugins)
    yield from _check_local(
        list_missing(), [f"{kind} {name}" for kind, name in NEEDED if name not in plugins.registry.entries[kind]]
    )


def _list_plugins(plugins: Plugins) -> Iterator[Check]:
    for name, problem in plugins.problems.items():
        found = f"{problem.origin} failed and was left out: {problem.error}"
        yield Check(f"plugin {name}", "note", clean_text(found), problem.cure)
    for name in plugins.disabled:
        yield Check(f"plugin {name}", "note", f"disabled: {DISABLE} names it")
    yield Check("plugins", "ok", ", ".join(sorted(plugins.loaded)))


def _check_local(packages: list[str], components: list[str]) -> Iterator[Check]:
    """Yield one check of what a run on this machine lacks: packages, and the components that they bring."""
    needing = ", ".join(components)
    if packages:
        found = f"not installed: {', '.join(packages)}; needed by {needing or 'a run on this machine'}"
        yield Check(EXTRA, "fail", found, LOCAL)
    elif components:
        hint = f"its plugin has failed or is disabled, see above; if not: {LOCAL}"
        yield Check(EXTRA, "fail", f"there is no {needing}", hint)


COLORS = {"ok": "green", "note": "yellow", "fail": "red"}


@subcommand("vecmill doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.pass_context
def command(context: click.Context, *, as_json: bool) -> None:
    """Check what a run needs: Python, packages, processor, memory, disk, tokens, plugins.

    Ends with 1 if something that it needs is wrong; a note is for information.
    """
    from vecmill.cli.progress import waiting

    checks = []
    with waiting("checking"):
        for check in diagnose():
            check_interrupt()
            checks.append(check)
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
    from vecmill.cli.format import format_count

    width = max(len(check.name) for check in checks)
    for check in checks:
        _print_check(check, width)
    verdict = f"{format_count(failures, 'problem')} to solve" if failures else "ready to run on this machine"
    click.echo(f"\n{click.style(verdict, fg='red' if failures else 'green')}")


def _print_check(check: Check, width: int) -> None:
    mark = click.style(f"{check.level:<4}", fg=COLORS[check.level])
    for number, text in enumerate(_wrap_lines(check, width)):
        click.echo(f"{mark}  {check.name:<{width}}  {text}" if not number else f"{'':<{width + 8}}{text}")


def _wrap_lines(check: Check, width: int) -> list[str]:
    import shutil
    import textwrap

    room = max(30, shutil.get_terminal_size().columns - width - 8)
    hint = textwrap.wrap(check.hint, room, initial_indent="-> ", subsequent_indent="   ")
    return [*(textwrap.wrap(check.found, room) or [""]), *hint]
