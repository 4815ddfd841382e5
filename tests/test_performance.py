"""The pages with figures say what was measured."""

import json

import pytest

from repository import ROOT

BENCHMARKS = ROOT / "benchmarks"
RESULTS = sorted((BENCHMARKS / "results").glob("*.json"))


@pytest.fixture
def page(monkeypatch):
    """The script that fills the pages."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import page

    return page


def test_the_tables_of_the_pages_are_those_of_the_results(page):
    """No number in them was typed by hand, or left behind by an earlier measurement."""
    for each in page.PAGES:
        assert page.filled(each.read_text()) == each.read_text()


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_result_says_what_it_was_seen_on_and_what_was_wanted(path):
    """Each has its machine, with versions; each target says whether it was met, by its own numbers."""
    result = json.loads(path.read_text())
    assert result["machine"]["processor"]
    assert result["machine"]["versions"]["vecmill"]
    for target in result.get("targets", []):
        found, wanted = target["value"], target["wanted"]
        assert target["met"] == (found <= wanted if target["most"] else found >= wanted)
