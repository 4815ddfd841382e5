"""What the fuzzer found, and what it began with, ends in a result or in a message of ours."""

from __future__ import annotations

import importlib
import random
from pathlib import Path

import pytest

from fuzz.__main__ import CORPUS, TARGETS
from fuzz.laws import broken
from fuzz.mutation import mutated

INPUTS = sorted(path.relative_to(CORPUS).as_posix() for path in CORPUS.glob("*/*"))


def test_every_kind_of_input_has_a_corpus():
    """And nothing lies beside them."""
    assert {Path(path).parts[0] for path in INPUTS} == set(TARGETS)


@pytest.mark.fault(
    "input",
    "a job file, a row, a text or an answer has any content",
    promise="A result or one message; the fuzzer's finds are tried again.",
)
@pytest.mark.parametrize("path", INPUTS)
def test_it_ends_in_a_result_or_a_message(path):
    """Whatever else is raised fails the test; so does a law that is broken."""
    importlib.import_module(f"fuzz.{Path(path).parts[0]}").check((CORPUS / path).read_bytes())


@pytest.mark.parametrize("target", ["models", "answers", "records"])
def test_so_do_its_neighbours(target):
    """With values of other types in their places, and without some."""
    check = importlib.import_module(f"fuzz.{target}").check
    inputs = [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]
    changed = (mutated(inputs[number % len(inputs)], random.Random(number)) for number in range(400))  # noqa: S311 - the same every time
    neighbours = [data for data in changed if data is not None]
    assert len(neighbours) > 50
    for data in neighbours:
        check(data)


@pytest.mark.fault(
    "input",
    "documents contain any Unicode",
    promise="Chunks are in order, their offsets and counts are exact, and all text that is not blank is in a chunk.",
)
def test_random_documents_keep_the_laws_of_every_chunker():
    """The first few hundred of the million that ``hatch run chunker-laws`` tries."""
    assert broken(range(300)) == []
