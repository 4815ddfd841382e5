"""Public modules: other packages import of the core what its README calls public, and nothing else."""

import ast
import importlib
import re
import tomllib

import pytest

from repository import ROOT

TABLE = re.findall(r"^\| `(vecmill[\w.]*)` \|", (ROOT / "packages" / "core" / "README.md").read_text(), re.MULTILINE)
CODE = [
    *(path for path in ROOT.glob("packages/*/src/**/*.py") if path.relative_to(ROOT).parts[1] != "core"),
    *ROOT.glob("apps/**/*.py"),
    *ROOT.glob("examples/*/src/**/*.py"),
]


def imported(code):
    """Return the modules of the core that some code imports, with the names that it takes from each."""
    found: list[tuple[str, str | None]] = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [(alias.name, None) for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            found += [(node.module or "", alias.name) for alias in node.names]
    return [(module, name) for module, name in found if module.partition(".")[0] == "vecmill"]


def check(module, names, where):
    """Fail if a module, or a name of it, is not public."""
    assert module in TABLE, f"{where} imports {module}"
    public = getattr(importlib.import_module(module), "__all__", names)
    assert not [name for name in names if name not in public and f"{module}.{name}" not in TABLE], f"{where}: {module}"


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_other_packages_import_public_names_alone(path):
    """Modules that the README lists, and of packages among them what ``__all__`` names."""
    for module, name in imported(path.read_text(encoding="utf-8")):
        check(module, [name] if name else [], path)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_the_docs_import_public_names_alone(page):
    """Whatever users copy from a page, at a prompt, in a file or in a command."""
    text = page.read_text(encoding="utf-8")
    for module, names in re.findall(r"\bfrom (vecmill(?:\.\w+)*) import ([\w, ]+)", text):
        check(module, re.findall(r"\w+", names), page)


def test_the_contract_lists_what_the_readme_lists():
    """``lint-imports`` checks it where tests are not run."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = (each for each in settings["contracts"] if each["type"] == "protected")
    assert [f"** -> {module}" for module in sorted(TABLE) if module != "vecmill"] == contract["ignore_imports"]


def test_what_a_public_package_exports_is_there():
    """Its ``__all__`` is sorted as it is written, and each name is there."""
    for module in map(importlib.import_module, TABLE):
        for name in getattr(module, "__all__", ()):
            assert hasattr(module, name), f"{module.__name__}.{name}"
