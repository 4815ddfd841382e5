"""The tables of ``docs/evidence/performance.md`` and ``docs/tei.md``, from the results that are kept.

    python benchmarks/page.py

Each table stands between two comments that name its result; the text around them is written by hand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bench import results, table
from bench.contender import HERE

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = HERE.parent / "docs"
PAGES = [DOCS / "evidence" / "performance.md", DOCS / "tei.md"]
BLOCK = re.compile(r"<!-- (table|targets|machine|picture): ([\w-]+) -->\n.*?<!-- end -->", re.DOTALL)
CHUNKING = {"correct": "correct", "over budget": "over", "misplaced": "misplaced", "characters lost": "lost"}
TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "chunking-126": lambda result: table.contenders(result, "MB/s", CHUNKING),
    "chunking-256": lambda result: table.contenders(result, "MB/s", CHUNKING),
    "client": lambda result: table.contenders(
        result, "chunks per processor second", {"µs a chunk": "microseconds", "peak MB": "peak_mb"}
    ),
    "corpus": lambda result: table.contenders(result, "chunks/s", {"peak MB": "peak_mb"}),
    "embedding": lambda result: table.contenders(result, "chunks/s", {"least cosine": "cosine"}),
    "memory": table.peaks,
    "operations": lambda result: table.plain(result, {"% of a batch's time": "share"}),
    "overlap": lambda result: table.plain(result, {"chunks/s": "rate"}),
    "quantization": table.exact,
    "scaling": table.scaling,
    "search": table.searches,
    "steps": table.steps,
    "start": lambda result: table.plain(result, {"processor seconds": "seconds"}),
}


def filled(page: str) -> str:
    """Return the page with each table as the results have it."""
    return BLOCK.sub(lambda match: f"<!-- {match[1]}: {match[2]} -->\n{_block(match[1], match[2])}\n<!-- end -->", page)


def _block(kind: str, name: str) -> str:
    if not results.kept(name):
        return "Not measured yet."
    result = results.load(name)
    if kind == "machine":
        return table.machine(result)
    if kind == "picture":
        return f"![Ratios: {name}](../../benchmarks/results/{name}.svg)"
    return TABLES[name](result) if kind == "table" else table.targets(result)


def main() -> None:
    """Fill the pages in their place."""
    for page in PAGES:
        page.write_text(filled(page.read_text()))


if __name__ == "__main__":
    main()
