"""Texts: Python's own documentation, or any Parquet."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path
from pydoc_data.topics import topics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

_DEFINITIONS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let the user name other texts."""
    parser.add_argument("--parquet", type=Path, help="take the texts from this file, not from Python's documentation")
    parser.add_argument("--column", default="text", help="the column of the file")


def texts(options: argparse.Namespace) -> list[str]:
    """Return the texts: the language reference, then the standard library's documentation, or a file's column."""
    if options.parquet is None:
        return [*topics.values(), *docstrings()]
    import pyarrow.parquet as pq

    column = pq.read_table(options.parquet, columns=[options.column]).column(0)
    return [text for text in column.to_pylist() if text and not text.isspace()]


def docstrings() -> Iterator[str]:
    """Yield the documentation of each module of the standard library that has some."""
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(path for path in root.rglob("*.py") if not {"site-packages", "test", "tests"} & {*path.parts}):
        try:
            tree = ast.parse(path.read_bytes())
        except SyntaxError:  # some files are there to be wrong
            continue
        nodes = (node for node in ast.walk(tree) if isinstance(node, _DEFINITIONS))
        if text := "\n\n".join(filter(None, map(ast.get_docstring, nodes))):
            yield text


def sample(texts: list[str], characters: int) -> list[str]:
    """Return whole texts, taken evenly from all, of about so many characters."""
    total = sum(map(len, texts))
    step = max(1, -(-total // characters))
    return texts[::step]


def slices(texts: list[str], size: int, count: int) -> list[str]:
    """Return up to ``count`` slices of ``size`` characters, blank ones left out, taken evenly from all texts."""
    every = [text[start : start + size] for text in texts for start in range(0, len(text), size)]
    filled = [piece for piece in every if not piece.isspace()]
    step = max(1, len(filled) // count)
    return filled[::step][:count]
