"""Words: names and messages are in the field's words; those that the house has given up do not come back."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from repository import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

RETIRED = {
    "aside": "quarantined",
    "beside": "next to, besides",
    "broken": "damaged",
    "cargo": "payload",
    "claim": "lease, contradiction",
    "consignment": "commit batch",
    "cover": "metadata of a repo",
    "edition": "release",
    "elsewhere": "launcher",
    "enlist": "configure",
    "equip": "configure",
    "errand": "worker upload",
    "fault": "error",
    "fleet": "app registry",
    "flight": "in-flight window",
    "heard": "capture",
    "keep": "extra columns",
    "kept": "extra columns",
    "land": "collect",
    "laptop": "local machine",
    "launch": "submit",
    "law": "invariant",
    "limiter": "rate limit",
    "look": "sample",
    "mend": "repair",
    "moment": "a time, or nothing",
    "narration": "log events",
    "nought": "zero",
    "own": "user section, or nothing",
    "patience": "retry policy",
    "place": "path, location, destination, label, row offset",
    "rights": "licensing",
    "said": "report, message",
    "shelf": "release index",
    "shipment": "pre-upload",
    "sound": "valid",
    "stretch": "row range",
    "tally": "progress stats",
    "tell": "report",
    "told": "report",
    "whole": "complete",
}
"""Words that are not to be in a name, and what is there instead."""
RETIRED_IN_MESSAGES = (RETIRED.keys() | {"anew"}) - {
    *("claim", "cover", "flight", "keep", "kept", "land", "launch", "law", "look", "moment", "own", "rights")
}
"""The others are plain English in a sentence: what is done is kept."""
ENDINGS = ("", "s", "es", "d", "ed", "ing")
FIELD = re.compile(r"whole numbers?", re.IGNORECASE)
"""What has such a word in it and is the field's."""
CONTRACTS = {
    "faults": "of the report that verify returns",
    "keep": "source.keep, and in what workers and unfinished runs are given",
    "keep_runs": "an option of hub",
    "releases.kept": "in the metadata files of releases on a Volume",
    "max_in_flight": "an option of tei",
    "in_flight": "the field's word",
    "InFlightWindow": "(the same)",
    "events.place": "of Publishing, which observers read",
}
"""Names that stay, and why: everywhere, or in a module."""
PARTICIPLES = {"pinned": "of the protocol of all components"}
"""Functions that may be called by a participle alone, and why."""
IRREGULAR = {
    *("begun", "brought", "done", "found", "gone", "heard", "held", "hidden", "kept", "known", "made", "said", "sent"),
    *("shown", "taken", "told", "understood"),
}
NO_PARTICIPLES = {"embed", "feed", "seed", "need", "speed", "shed", "proceed"}


class Module(NamedTuple):
    """A module, and the room that it is in."""

    path: Path
    room: str
    tree: ast.Module


def modules() -> list[Module]:
    """Return every module that users install, and those of the apps."""
    found = []
    for path in sorted([*ROOT.glob("packages/*/src/**/*.py"), *ROOT.glob("apps/**/*.py")]):
        parts = path.relative_to(ROOT).parts
        room = "/".join([parts[1], *parts[4:-1]]) if parts[0] == "packages" else "/".join(parts[:-1])
        found.append(Module(path, room, ast.parse(path.read_text(encoding="utf-8"))))
    return found


MODULES = modules()
ROOMS = sorted({module.room for module in MODULES})


def names(module: Module) -> Iterator[tuple[str, int]]:
    """Yield the names of a module, its functions, parameters, classes and their fields, each with its line."""
    yield module.path.stem, 1
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno
        if isinstance(node, ast.arg):
            yield node.arg, node.lineno
        if isinstance(node, ast.ClassDef):
            fields = [part.target for part in node.body if isinstance(part, ast.AnnAssign)]
            yield from ((field.id, field.lineno) for field in fields if isinstance(field, ast.Name))


def messages(module: Module) -> Iterator[tuple[str, int]]:
    """Yield the strings of several words that are not docstrings: printed, logged or raised; each with its line."""
    docstrings = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            words = node.value.split()
            yield from [(node.value, node.lineno)] if len(words) > 1 else []


def find_retired(words: list[str], among: Iterable[str]) -> list[str]:
    """Return the words that are retired, each with what is said instead."""
    known = {base + ending: base for base in among for ending in ENDINGS}
    return [f"{word} (say: {RETIRED.get(known[word], 'again')})" for word in words if word in known]


def split(text: str) -> list[str]:
    """Return the words of a name or of a message."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)]


def described(module: Module, line: int) -> str:
    """Return where something is."""
    return f"{module.path.relative_to(ROOT)}:{line}"


@pytest.mark.parametrize("room", ROOMS)
def test_no_name_has_a_retired_word(room):
    """Neither a module nor a function, a parameter, a class or a field."""
    wrong = [
        f"{described(module, line)}: {name}: {', '.join(found)}"
        for module in MODULES
        if module.room == room
        for name, line in names(module)
        if not {name, f"{module.path.stem}.{name}"} & CONTRACTS.keys()
        if (found := find_retired(split(name), RETIRED))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", ROOMS)
def test_no_message_has_a_retired_word(room):
    """Neither what is raised nor what is logged or printed."""
    wrong = [
        f"{described(module, line)}: {text!r}: {', '.join(found)}"
        for module in MODULES
        if module.room == room
        for text, line in messages(module)
        if (found := find_retired(split(FIELD.sub("", text)), RETIRED_IN_MESSAGES))
    ]
    assert not wrong, "\n".join(wrong)


def test_functions_are_verb_phrases():
    """None is called by a participle alone, such as ``told``, but for those that a protocol has."""
    wrong = [
        f"{described(module, node.lineno)}: {node.name}"
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not any("property" in ast.unparse(decorator) for decorator in node.decorator_list)
        and is_participle(node.name.lstrip("_"))
    ]
    assert not wrong, "\n".join(wrong)


def is_participle(name: str) -> bool:
    """Whether a function's name is one participle that no contract has."""
    regular = name.endswith("ed") and name not in NO_PARTICIPLES
    return "_" not in name and name not in PARTICIPLES and (name in IRREGULAR or regular)


def test_every_exception_is_needed():
    """A name that is gone is no exception any more."""
    there = {name for module in MODULES for name, _ in names(module)}
    assert {name.rpartition(".")[2] for name in CONTRACTS} | PARTICIPLES.keys() <= there
