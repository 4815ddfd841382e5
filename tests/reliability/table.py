"""The table of docs/evidence/reliability.md, made from the tests that show each promise.

python tests/reliability/table.py --write | --check

A test that shows what vecmill does in a fault says so with a marker::

    @pytest.mark.fault("disk", "no space is left", promise="One message; the run goes on once there is room.")

The marker may also stand in a ``pytest.param(..., marks=...)`` of the test. Tests are read, not run.
"""

from __future__ import annotations

import argparse
import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "evidence" / "reliability.md"
FOLDERS = ("tests", "packages", "apps", "examples")
ESCAPED = r"\|"
AREAS = {
    "crash": "Crashes",
    "interruption": "Interruptions",
    "engine": "The engine",
    "input": "Documents",
    "source": "Sources and models",
    "disk": "Disk and files",
    "folder": "The output folder",
    "publish": "Publishing",
    "modal": "Modal",
    "plugin": "Plugins",
    "security": "Security",
    "load": "Load",
}
"""The page's sections, in order, by the first word of a marker."""
HEAD = """\
# What vecmill promises when something goes wrong

A run is complete, or it says exactly what is missing. A test shows each line below.
This page is made from the tests: `hatch run reliability --write` writes it, and a test checks that it is up to date.

Long versions, each one command: `hatch run kills` (kills a run at 100 random moments), `hatch run interrupts`
(interrupts every command at 50), `hatch run soak` (a million chunks under 5% faults).
"""

if TYPE_CHECKING:
    from collections.abc import Iterator


class Promise(NamedTuple):
    """What a test shows: the fault, what vecmill promises, and where the test is."""

    area: str
    fault: str
    promise: str
    path: str
    test: str


def promises(root: Path = ROOT) -> list[Promise]:
    """Return what the tests say, by section; within one by fault.

    Raises:
        ValueError: A marker is not of the form above.
    """
    paths = sorted(path for folder in FOLDERS for path in (root / folder).rglob("test_*.py"))
    found = (promise for path in paths for promise in read(path.read_text(), path.relative_to(root).as_posix()))
    return sorted(found, key=lambda promise: (list(AREAS).index(promise.area), promise))


def read(code: str, path: str) -> Iterator[Promise]:
    """Yield the promises of one file."""
    if "mark.fault" not in code:
        return
    for test in ast.walk(ast.parse(code)):
        if isinstance(test, ast.FunctionDef):
            for call in (node for decorator in test.decorator_list for node in ast.walk(decorator)):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.fault":
                    yield Promise(*_words(call, f"{path}:{call.lineno}"), path, test.name)


def _words(call: ast.Call, location: str) -> tuple[str, str, str]:
    try:
        area, fault = (str(ast.literal_eval(argument)) for argument in call.args)
        ((_, promise),) = [(word.arg, ast.literal_eval(word.value)) for word in call.keywords if word.arg == "promise"]
    except ValueError:
        raise ValueError(f'{location}: write @pytest.mark.fault("area", "fault", promise="…")') from None
    if area not in AREAS:
        raise ValueError(f"{location}: there is no section {area!r}; there are {', '.join(AREAS)}")
    return area, fault, promise


def page(found: list[Promise]) -> str:
    """Write the page."""
    parts = [HEAD]
    for area, title in AREAS.items():
        rows = [_row(promise) for promise in found if promise.area == area]
        if rows:
            parts.append(
                "\n".join(
                    [f"## {title}\n", "| fault | what vecmill promises | shown by |", "| --- | --- | --- |", *rows, ""]
                )
            )
    return "\n".join(parts)


def _row(promise: Promise) -> str:
    cells = (promise.fault, promise.promise, f"[{promise.test}](../../{promise.path})")
    return f"| {' | '.join(cell.replace('|', ESCAPED) for cell in cells)} |"


def main() -> None:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write the page")
    what.add_argument("--check", action="store_true", help="fail if the page is not what the tests say")
    wanted = page(promises())
    if parser.parse_args().write:
        PAGE.write_text(wanted)
    elif PAGE.read_text() != wanted:
        sys.exit(f"{PAGE.relative_to(ROOT)} is not what the tests say: hatch run reliability --write")


if __name__ == "__main__":
    main()
