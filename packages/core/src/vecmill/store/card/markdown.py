"""Markdown: foreign text in a card, where it is read as text and as nothing else."""

from __future__ import annotations

import re

from vecmill.redaction import printable

_ACTIVE = re.compile(r"[\\`*\[\]<>|~]")
"""What begins a link, HTML, code, emphasis or a cell. No card begins a line with such text, so titles need none."""
_EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])|&(?=#|\w+;)")
"""What begins emphasis or stands for another character; within a word an underscore does neither."""
_LIVE = re.compile(r"://|www\.|@|mailto:|xmpp:", re.IGNORECASE)
"""What the Hub's Markdown makes a link of, without any mark around it and whatever is escaped in it."""
_TICKS = re.compile("`+")
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]\\`|\"']+")


def plain(text: str) -> str:
    """Return a text as one line of prose; as code if it holds an address, which would become a link."""
    line = _one_line(text)
    if _LIVE.search(line):
        return cell(line)
    return _EMPHASIS.sub(_escape, _ACTIVE.sub(_escape, line))


def _escape(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


def code(text: str) -> str:
    """Return a text as code, which nothing in it ends."""
    line = _one_line(text) or " "
    fence = "`" * (1 + max((len(run) for run in _TICKS.findall(line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def cell(text: str) -> str:
    """Return a text as code in a table, of which a bar would begin the next cell."""
    return code(text).replace("|", "\\|")


def link(text: str, address: str) -> str:
    """Return a link; where the address is none that a browser opens, the text and the address as code."""
    if _ADDRESS.fullmatch(address):
        return f"[{text}]({address})"
    return f"{text} ({code(address)})"


def _one_line(text: str) -> str:
    """Return a text with its newlines as they are written in programs: a space would hide them."""
    return printable(text.replace("\n", "\\n").replace("\t", " "))
