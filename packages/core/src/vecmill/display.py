"""Display: foreign text, as a terminal, a page or a reader of JSON can show it."""

from __future__ import annotations

import re

UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls of both sets, but for the tab and the newline
    "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # what turns a line round, or ends it
    "\ud800-\udfff"  # halves of characters
)
"""What could move the cursor, change colours, reverse or break lines, as a class of a regular expression."""
MARKS = "\u061c\u200e\u200f"
"""Of these, what honest Arabic and Hebrew hold: a mark has the direction of one letter, and no more power than that."""
_SEQUENCE = re.compile(rf"\x1b\[[0-?]*[ -/]*[@-~]|(?![{MARKS}])[{UNSAFE}]")
_ONE = re.compile(f"[{UNSAFE}]")


def printable(text: str) -> str:
    """Return a text without terminal control sequences; newlines, tabs and the marks of a direction stay."""
    return _SEQUENCE.sub("", text)


def flatten(text: str) -> str:
    """Return a printable text as one line: what ends a line, or is blank, becomes a space."""
    return printable(" ".join(text.split()))


def escape_json(text: str) -> str:
    r"""Return the same JSON with what could drive a terminal written as ``\u`` and four digits."""
    return _ONE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
