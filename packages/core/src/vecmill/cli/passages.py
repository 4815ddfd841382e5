"""Passages: what was found, laid out for reading."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from vecmill.display import flatten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vecmill.retrieval import Passage

INDENT = 7
WIDEST = 100
LINES = 6


def show(passages: Iterable[Passage], *, full: bool = False, console: Console | None = None) -> None:
    """Print passages, best first: score and title, the place, and the first lines of the text (or all of it)."""
    console = console or Console(file=sys.stdout, highlight=False)
    console.width = min(console.width, WIDEST)
    for number, passage in enumerate(passages):
        if number:
            console.print()
        for line in (_head(passage), _place(passage)):
            console.print(line, no_wrap=True, overflow="ellipsis")
        _body(passage, console, full=full)


def _head(passage: Passage) -> Text:
    return Text.assemble(f"{passage.score:.3f}  ", (flatten(passage.title or passage.id), "bold"))


def _place(passage: Passage) -> Text:
    place = f"chunk {passage.chunk_index}, characters {passage.start:,}-{passage.end:,}"
    names = [flatten(name) for name in (passage.id if passage.title else "", passage.url) if name]
    return Text(" " * INDENT + "  ".join([place, *names]), style="dim")


def _body(passage: Passage, console: Console, *, full: bool) -> None:
    # Wrapped by the cells of the terminal, not by characters: Chinese and emoji take two.
    wrapped = Text(flatten(passage.text)).wrap(console, console.width - INDENT)
    shown = wrapped if full else wrapped[:LINES]
    for line in shown:
        line.rstrip()
    if len(shown) < len(wrapped):
        shown[-1].truncate(console.width - INDENT - 1)
        shown[-1].append("…")
    for line in shown:
        console.print(Text(" " * INDENT).append_text(line), no_wrap=True)
