"""How passages are shown."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from vecmill.cli.commands.search import LINES, print_passages
from vecmill.retrieval import Passage


def passage(text, title="A title"):
    """Make a passage."""
    return Passage(0.5, "the-id", title, "http://x/1", 3, 1000, 1000 + len(text), text)


@pytest.fixture
def shown():
    """Print passages on a terminal of some width without colour, and return the lines."""

    def lines(*passages, width=80, full=False):
        shown = io.StringIO()
        console = Console(file=shown, width=width, color_system=None)
        print_passages(passages, full=full, console=console)
        return shown.getvalue().splitlines()

    return lines


def test_a_passage_has_score_title_place_and_text(shown):
    """The place is what the dataset's columns say, and the link is there to follow."""
    assert shown(passage("Some text.\n\n  More of it.")) == [
        "0.500  A title",
        "       chunk 3, characters 1,000-1,025  the-id  http://x/1",
        "       Some text. More of it.",
    ]


def test_without_a_title_the_id_stands_for_it(shown):
    """And is not said twice."""
    lines = shown(passage("x", title=""))
    assert lines[0] == "0.500  the-id"
    assert "the-id" not in lines[1]


@pytest.mark.parametrize("text", ["word " * 500, "漢字" * 500, "e\u0301" * 2000, "🙂" * 500])
@pytest.mark.parametrize("width", [40, 80])
def test_no_line_is_wider_than_the_terminal(shown, text, width):
    """Counted in cells: Chinese and emoji take two, combining marks none."""
    lines = shown(passage(text, title=text), width=width)
    assert max(map(cell_len, lines)) <= width
    assert len(lines) == 2 + LINES
    assert lines[-1].endswith("…")


def test_full_shows_every_word(shown):
    """Nothing is left out, and nothing is marked as if it were."""
    lines = shown(passage("word " * 500), full=True)
    assert " ".join(lines).split().count("word") == 500
    assert "…" not in "".join(lines[2:])


def test_a_very_wide_terminal_keeps_lines_readable(shown):
    """A hundred columns are enough."""
    assert max(map(len, shown(passage("word " * 500), width=300))) <= 100


def test_a_corpus_cannot_drive_the_terminal(shown):
    """Escape sequences and markup in a text are shown or dropped, never obeyed."""
    lines = shown(passage("\x1b[2J[bold red]x[/] \x07", title="[link=http://evil]\x1b]0;t\x07"))
    assert "\x1b" not in "".join(lines)
    assert lines[2].strip() == "[bold red]x[/]"


def test_an_end_of_a_line_parts_words_whichever_it_is(shown):
    """Old files and typesetters have others than the newline."""
    assert shown(passage("one\rtwo\u2028three\x0bfour\x85five"))[-1] == "       one two three four five"
