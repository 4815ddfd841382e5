"""Table: columns on a terminal, as wide as they need to be."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GAP = 2
NARROWEST_LAST = 20


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; the last column is wrapped to the terminal's width."""
    widths = [max(len(row[i]) for row in [heads, *rows]) + GAP for i in range(len(heads) - 1)]
    room = max(NARROWEST_LAST, shutil.get_terminal_size().columns - sum(widths))
    yield click.style("".join([*map(str.ljust, heads[:-1], widths), heads[-1]]), bold=True)
    for row in rows:
        last = textwrap.wrap(row[-1], room) or [""]
        yield "".join([*map(str.ljust, row[:-1], widths), last[0]]).rstrip()
        yield from (" " * sum(widths) + line for line in last[1:])
