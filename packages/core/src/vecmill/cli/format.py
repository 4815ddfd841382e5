"""Format: foreign text and tables as a terminal shows them."""

from __future__ import annotations

import os
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecmill.sanitize import escape_json, printable, redact_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


__all__ = [
    "clean_text",
    "escape_json",
    "format_clock",
    "format_count",
    "format_duration",
    "format_rate",
    "format_size",
    "format_table",
    "printable",
    "shorten_path",
]

UNITS = ("bytes", "kB", "MB", "GB", "TB")
STEP = 1000
MINUTE = 60
FEW = 10


def clean_text(text: str) -> str:
    """Return foreign text as it may be shown: without control sequences and secrets."""
    # A control sequence may stand inside a secret, and the other way round.
    return redact_secrets(printable(redact_secrets(text)))


def format_count(count: int, noun: str) -> str:
    """Return ``1 shard``, ``1,234 shards``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def format_size(count: float) -> str:
    """Return a number of bytes as ``1.2 MB``."""
    power = 0
    while count >= STEP and power < len(UNITS) - 1:
        count, power = count / STEP, power + 1
    return f"{count:,.1f} {UNITS[power]}" if power else f"{count:,.0f} {UNITS[power]}"


def format_rate(per_second: float | None, noun: str) -> str:
    """Return ``152 chunks/s``; a dash while it is not known."""
    if per_second is None:
        return f"- {noun}/s"
    return f"{per_second:,.0f} {noun}/s" if per_second >= FEW else f"{per_second:.1f} {noun}/s"


def format_clock(seconds: float) -> str:
    """Return ``0:07`` or ``1:02:03``."""
    minutes, rest = divmod(round(seconds), MINUTE)
    hours, minutes = divmod(minutes, MINUTE)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def format_duration(seconds: float) -> str:
    """Return ``7.2 s`` or ``1:02:03 hours``, for a sentence."""
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    return f"{format_clock(seconds)} {'minutes' if seconds < MINUTE * MINUTE else 'hours'}"


def shorten_path(path: Path) -> str:
    """Return a path relative to the current folder, if it is below it."""
    here = Path.cwd()
    return printable(os.path.relpath(path, here) if path.is_absolute() and path.is_relative_to(here) else str(path))


GAP = 2
NARROWEST_LAST = 20


def format_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; the last column is wrapped to the terminal's width."""
    widths = [max(len(row[i]) for row in [heads, *rows]) + GAP for i in range(len(heads) - 1)]
    room = max(NARROWEST_LAST, shutil.get_terminal_size().columns - sum(widths))
    yield click.style("".join([*map(str.ljust, heads[:-1], widths), heads[-1]]), bold=True)
    for row in rows:
        last = textwrap.wrap(row[-1], room) or [""]
        yield "".join([*map(str.ljust, row[:-1], widths), last[0]]).rstrip()
        yield from (" " * sum(widths) + line for line in last[1:])
