"""Laws: random documents through every chunker: ``python -m fuzz.laws 1000000``, or a range, ``5000:6000``.

A document follows from its number, so that one that breaks a law is found again.
"""

from __future__ import annotations

import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from fuzz.chunks import KINDS, PROMPTS, chunker, keep_the_laws, tokenizers
from vecmill.records import Document
from vecmill.testing import AWKWARD_TEXTS

BITS = (
    *("word ", "One sentence here. ", "Another? ", "\n\n", "\n", "# Title\n\n", "- item\n", "x" * 60, "[SEP]", "\0"),
    *("\u4e2d\u6587\u3002", "\u05d0\u05d1 ", "e\u0301\u0323", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
    *("\t", "\v", "\r\n", "\x1c", "\x85", "\xa0", "\u2003", "\u2028", "\u3000", "\u3000\u0301", "\ufeff", "\u202e"),
)
MOST_BITS = 30
MOST_CHARACTERS = 6
SHARE = 1_000
"""Documents that a process takes at a time."""
SURROGATES = range(0xD800, 0xE000)


def document(number: int) -> Document:
    """Return the document of this number: words, marks and spaces, any characters, and now and then an awkward text."""
    chance = random.Random(number)  # noqa: S311 - it has to be the same every time
    parts = [_part(chance) for _ in range(chance.randint(1, MOST_BITS))]
    title = "" if chance.random() < 1 / 3 else "".join(_part(chance) for _ in range(chance.randint(0, 4)))
    return Document(str(number), "".join(parts) + ("." if not "".join(parts).strip() else ""), title)


def broken(numbers: range) -> list[str]:
    """Cut these documents by every chunker, and say which laws were broken."""
    found = []
    for number in numbers:
        each = document(number)
        for kind in range(len(KINDS)):
            cutter = chunker(kind, number % len(tokenizers()), PROMPTS[number % len(PROMPTS)])
            try:
                keep_the_laws(cutter, each)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is reported with its document
                found.append(f"document {number}, {cutter.name} {cutter.config!r}: {type(error).__name__}: {error}")
    return found


def main(numbers: str = "1000000") -> int:
    """Try these documents; return 0 if every law was kept."""
    first, _, last = numbers.rpartition(":")
    documents, began, found = range(int(first or 0), int(last)), time.monotonic(), []
    shares = [documents[start : start + SHARE] for start in range(0, len(documents), SHARE)]
    with ProcessPoolExecutor() as pool:
        for done, broken_ones in enumerate(pool.map(broken, shares), start=1):
            found += broken_ones
            if done % 10 == 0 or done == len(shares):
                sys.stderr.write(f"{min(done * SHARE, len(documents)):,} of {len(documents):,} documents\n")
    for finding in found:
        print(finding)
    print(f"{len(documents):,} documents through {len(KINDS)} chunkers, {len(found)} laws broken,", end=" ")
    print(f"{time.monotonic() - began:.0f} s")
    return int(bool(found))


def _part(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.7:  # noqa: PLR2004 - mostly what texts are made of
        return chance.choice(BITS)
    if kind < 0.99:  # noqa: PLR2004 - (the same)
        codes = (chance.choice((0x80, 0x800, 0x3000, 0x110000)) for _ in range(chance.randint(1, MOST_CHARACTERS)))
        return "".join(_character(chance, below) for below in codes)
    return chance.choice(AWKWARD_TEXTS)[:400]


def _character(chance: random.Random, below: int) -> str:
    code = chance.randrange(below)
    return "\ufffd" if code in SURROGATES else chr(code)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
