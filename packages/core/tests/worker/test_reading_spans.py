"""Documents become spans, and a chunker that fails is named."""

from typing import Any

import pytest

from vecmill import Chunker, Options
from vecmill.errors import PluginError
from vecmill.records import Document, Span
from vecmill.testing import WordTokenizer
from vecmill.worker.reading import check_spans, cut

DOCUMENT = Document("d", "one two  three")


class Odd(Chunker[Options]):
    """Returns, or raises, what it is told to."""

    name = "odd"
    tokenizer = WordTokenizer()

    def __init__(self, answer):
        self.answer = answer

    def spans(self, document):
        """Return the answer."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


WORD: Any = "0"


@pytest.mark.parametrize("answer", [None, ["one"], [(0, 14)], [Span(WORD, 14)], KeyError("x")])
def test_a_chunker_that_fails_or_returns_no_spans_is_named(answer):
    """With the document, and what a chunker is to return."""
    with pytest.raises(PluginError, match=r"chunker 'odd' failed at document 'd': .*vecmill\.Span") as caught:
        cut(Odd(answer), DOCUMENT)
    assert type(caught.value.__cause__).__name__ in str(caught.value)


def test_a_chunker_may_yield_its_spans():
    """They are taken once."""
    assert cut(Odd(span for span in [Span(0, 7), Span(9, 14)]), DOCUMENT) == [Span(0, 7), Span(9, 14)]


def test_a_lack_of_memory_is_not_the_chunkers_fault():
    """The shard may be tried again; a plugin's fault is not."""
    with pytest.raises(MemoryError):
        cut(Odd(MemoryError()), DOCUMENT)


@pytest.mark.parametrize(
    ("spans", "problem"),
    [
        ([], "left out characters 0 to 14"),
        ([Span(0, 7)], "left out characters 7 to 14"),
        ([Span(4, 14)], "left out characters 0 to 4"),
        ([Span(0, 3), Span(9, 14)], "left out characters 3 to 9"),
        ([Span(0, 15)], "span 0:15"),
        ([Span(9, 14), Span(0, 9)], "left out|span"),
        ([Span(0, 0), Span(0, 14)], "span 0:0"),
        ([Span(-1, 14)], "span -1:14"),
        ([Span(0, 7), Span(5, 14), Span(4, 14)], "span 4:14"),
    ],
)
def test_a_chunker_that_breaks_the_law_is_caught(spans, problem):
    """Lost text, empty, backward and outside spans are each an error that names the document."""
    with pytest.raises(PluginError, match=problem) as caught:
        check_spans(DOCUMENT, spans, WordTokenizer())
    assert "'d'" in str(caught.value)


@pytest.mark.parametrize("spans", [[Span(0, 14)], [Span(0, 7), Span(9, 14)], [Span(0, 9), Span(5, 14)]])
def test_blank_gaps_and_overlaps_are_lawful(spans):
    """Whitespace may be left out, and chunks may overlap."""
    check_spans(DOCUMENT, spans, WordTokenizer())


def test_a_chunk_in_which_the_model_reads_nothing_is_left_out():
    """Whichever chunker returns it; the text around it stays."""
    document = Document("d", "one \n two")
    assert cut(Odd([Span(0, 3), Span(3, 6), Span(6, 9)]), document) == [Span(0, 3), Span(6, 9)]
