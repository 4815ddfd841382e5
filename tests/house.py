"""The figures of the house: how the packages' source is cut into files, and how many of them a run enters.

``python tests/house.py`` prints them with their bounds; ``--write`` puts them into docs/design.md.
"""

import ast
import collections
import re
import statistics
import subprocess
import sys

from repository import ROOT

PAGE = ROOT / "docs" / "design.md"
BOUNDS = {
    "source files": 190,
    "median lines of a file": -100,
    "files under 60 lines, %": 20,
    "lines of the longest file": 500,
    "import lines, %": 8.5,
    "modules used by one module of their folder alone": 30,
    "functions named by one participle, %": 1.0,
    "file names that stand in several folders": 14,
    "files that a run of three rows enters": 45,
    "files that its worker enters": 25,
}
"""The most that each figure may be; a negative one is the least."""
PARTICIPLES = frozenset(
    [
        "begun",
        "done",
        "found",
        "gone",
        "heard",
        "held",
        "hidden",
        "kept",
        "known",
        "made",
        "said",
        "sent",
        "shown",
        "taken",
        "told",
    ]
)
NO_PARTICIPLES = frozenset(["embed", "feed", "need", "seed", "speed"])
RUN = """
import collections, pathlib, sys, tempfile, threading
import pyarrow as pa, pyarrow.parquet as pq
import vecmill
from vecmill.testing import plugin
plugin.install()
entered, worker = set(), set()
inside = False
def watch(frame, event, _):
    global inside
    name = frame.f_code.co_filename
    if "/src/vecmill" not in name:
        return
    first = name.endswith("/vecmill/worker/worker.py") and frame.f_code.co_name == "do"
    if event == "call":
        inside = inside or first
        entered.add(name)
        if inside:
            worker.add(name)
    elif event == "return" and first:
        inside = False
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder)
    rows = {"id": ["a", "b", "c"], "title": ["A", "B", "C"], "text": ["One.\\n\\nTwo.", "Three words here.", "Last."]}
    pq.write_table(pa.table(rows), path / "corpus.parquet")
    job = vecmill.Job(
        source={"name": "parquet", "path": str(path / "corpus.parquet")},
        embedder={"name": "hash"},
        runtime={"name": "inline"},
        publish=[{"name": "parquet", "path": str(path / "out")}],
    )
    threading.setprofile(watch)
    sys.setprofile(watch)
    vecmill.run(job)
    sys.setprofile(None)
print(len(entered), len(worker))
"""


def main() -> int:
    """Print the figures, and say by the exit code whether all are within their bounds."""
    figures = measure()
    for name, value in figures.items():
        missed = "" if is_within(name, value) else "   missed"
        print(f"{name:52} {value:8.4g}   {bound(name)}{missed}")
    if "--write" in sys.argv:
        PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")
    return 0 if all(is_within(*each) for each in figures.items()) else 1


def is_within(name, value):
    """Whether a figure keeps to its bound."""
    limit = BOUNDS[name]
    return value >= -limit if limit < 0 else value <= limit


def bound(name):
    """Return the bound of a figure as the page shows it."""
    limit = BOUNDS[name]
    return f"at least {-limit}" if limit < 0 else f"at most {limit}"


def fill(page, figures):
    """Return the page with the figures in the last column of its table."""
    for name, value in figures.items():
        row = rf"(?m)^(\| {re.escape(name)} \|.*\|) [^|]+ \|$"
        page, count = re.subn(row, rf"\g<1> {value:.3g} |", page)
        assert count == 1, f"docs/design.md has {count} rows for {name!r}"
    return page


def measure():
    """Return each figure of ``BOUNDS``."""
    modules = {}
    for source in sorted(ROOT.glob("packages/*/src")):
        for path in source.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            name = ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
            modules[name] = (path, text.splitlines(), ast.parse(text))
    # An __init__ with a docstring alone is a folder's label.
    lines = [len(text) for path, text, _ in modules.values() if path.name != "__init__.py" or len(text) > 3]
    imports = sum(sum(map(_lines, filter(_is_import, tree.body))) for _, _, tree in modules.values())
    stems = collections.Counter(path.stem for path, _, _ in modules.values() if path.name != "__init__.py")
    values = (
        len(lines),
        statistics.median(lines),
        100 * sum(each < 60 for each in lines) / len(lines),
        max(lines),
        100 * imports / sum(len(text) for _, text, _ in modules.values()),
        _count_single(modules),
        _share_participles(modules),
        sum(count > 1 for count in stems.values()),
        *count_entered(),
    )
    return dict(zip(BOUNDS, values, strict=True))


def count_entered():
    """Return how many source files a run of three rows enters, and how many its worker."""
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return tuple(map(int, done.stdout.split()))


def _lines(node):
    return node.end_lineno - node.lineno + 1


def _is_import(node):
    guard = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    return guard or isinstance(node, ast.Import | ast.ImportFrom)


def _count_single(modules):
    users = collections.defaultdict(set)
    for name, (_, _, tree) in modules.items():
        for node in ast.walk(tree):
            for target in _imported(node, modules):
                users[target].add(name)
    for name in modules:
        users[name].discard(name)
    return sum(
        len(users[name]) == 1 and _folder(next(iter(users[name]))) == _folder(name) and path.name != "__init__.py"
        for name, (path, _, _) in modules.items()
    )


def _imported(node, modules):
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        names = [f"{node.module}.{each.name}" for each in node.names]
        return [name if name in modules else node.module for name in names if {name, node.module} & modules.keys()]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [name for name in [node.value.split(":")[0]] if name in modules]
    return []


def _folder(module):
    return module.rpartition(".")[0]


def _share_participles(modules):
    named = [
        node.name.lstrip("_")
        for _, _, tree in modules.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("__")
        and not any("property" in ast.unparse(each) for each in node.decorator_list)
    ]
    lone = [name for name in named if name in PARTICIPLES or (name.endswith("ed") and name not in NO_PARTICIPLES)]
    return 100 * sum("_" not in name for name in lone) / len(named)


if __name__ == "__main__":
    sys.exit(main())
