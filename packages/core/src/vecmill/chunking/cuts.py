"""Places where a text may be cut: between paragraphs, sentences, lines, words."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from vecmill.protocols.tokenizer import SEPARATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Cutter = Callable[[str, int, int], list[int]]

BLOCK_CHARACTERS = 1 << 18

_HEADING_CHARACTERS = 120
_UNDERLINES = "=-~*^#+`\"' \t\r\n"


def _after(pattern: re.Pattern[str]) -> Cutter:
    """Return a function giving the places strictly within ``text[start:end]`` that come right after ``pattern``."""

    def cut(text: str, start: int, end: int) -> list[int]:
        places = [match.end() for match in pattern.finditer(text, start, end)]
        if places and places[-1] == end:
            places.pop()
        return places

    return cut


paragraphs = _after(re.compile(r"\n[ \t\r]*\n[ \t\r\n]*"))
lines = _after(re.compile(r"\n"))
_space = _after(re.compile(r"[ \t\r\n]+"))


def words(text: str, start: int, end: int) -> list[int]:
    """Return the places within ``text[start:end]`` before words, each with one space, as many models read it."""
    return [place - 1 for place in _space(text, start, end) if place - 1 > start]


ALWAYS_CLEAN = (paragraphs, lines, words)

# A search for one literal character is several times as fast as one for any of a few, so each mark has its own.
# Closing quotes hold no mark: what the searches find does not overlap, and together it is what one search would find.
_SPACED = {mark: _after(re.compile(f"""{re.escape(mark)}["'”’»)\\]]*[ \\t\\r\\n]""")) for mark in ".!?…"}  # noqa: RUF001 - as they are written
_DENSE = {mark: _after(re.compile(f"{mark}[」』）”’]*")) for mark in "。！？｡"}  # noqa: RUF001 - as Chinese and Japanese write them
_ENDS = (_SPACED | _DENSE).items()


def sentences(text: str, start: int, end: int) -> list[int]:
    """Return the places within ``text[start:end]`` after sentences; not all scripts have whitespace there."""
    found = [cut(text, start, end) for mark, cut in _ENDS if text.find(mark, start, end) >= 0]
    return found[0] if len(found) == 1 else sorted(chain.from_iterable(found))


def blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield parts of bounded size, cut between paragraphs if they can be, so that a huge text costs little memory."""
    start = 0
    while len(text) - start > BLOCK_CHARACTERS:
        end = _last_cut(text, start + BLOCK_CHARACTERS // 2, start + BLOCK_CHARACTERS)
        yield start, end
        start = end
    yield start, len(text)


def _last_cut(text: str, low: int, high: int) -> int:
    for separator in ("\n\n", "\n", " "):
        place = text.rfind(separator, low, high)
        if place >= 0:
            return place + len(separator)
    return high


def are_clean(text: str, places: list[int]) -> bool:
    """Return whether there is a separator beside each of these cuts, so that no word of the model's is cut."""
    return all(text[place - 1] in SEPARATORS or text[place] in SEPARATORS for place in places)


def is_heading(text: str, start: int, end: int) -> bool:
    """Return whether this part looks like a title of what follows: one short line, underlined perhaps."""
    if end - start > 2 * _HEADING_CHARACTERS:
        return False
    line = text[start:end].rstrip(_UNDERLINES).lstrip()
    return len(line) <= _HEADING_CHARACTERS and "\n" not in line and line[-1:].isalnum()
