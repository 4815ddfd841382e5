"""The page about faults is what the tests say."""

import pytest

from reliability import table

CODE = '''
@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.fault("disk", "b | c", promise="Nothing is lost."))])
@pytest.mark.fault("crash", "a", promise="It goes on.")
def test_it(n):
    """It does."""
'''


def test_the_page_is_what_the_tests_say():
    """Every marked test stands in docs/evidence/reliability.md, and nothing else does."""
    assert table.PAGE.read_text() == table.page(table.promises()), "hatch run reliability --write"


def test_markers_are_read_wherever_they_stand():
    """On a test or on one of its parameters; a section is a table, and its cells cannot break it."""
    found = sorted(table.read(CODE, "tests/test_it.py"))
    assert [promise[:3] for promise in found] == [("crash", "a", "It goes on."), ("disk", "b | c", "Nothing is lost.")]
    text = table.page(found)
    assert text.index("## Crashes") < text.index("| a | It goes on. | [test_it](../../tests/test_it.py) |")
    assert r"| b \| c | Nothing is lost. |" in text


@pytest.mark.parametrize(
    "marker", ['fault("nowhere", "x", promise="y")', 'fault("disk", promise="y")', 'fault("disk", "x")']
)
def test_a_wrong_marker_is_an_error(marker):
    """A fault without a section or a promise is told with its place."""
    code = f"@pytest.mark.{marker}\ndef test_it(): ..."
    with pytest.raises(ValueError, match=r"test_it.py:1"):
        list(table.read(code, "test_it.py"))
