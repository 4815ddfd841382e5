"""The default chunker: paragraphs, then sentences, lines and words, with the title in front."""

from __future__ import annotations

import pytest

from vecmill.chunking.paragraphs import ParagraphsChunker
from vecmill.errors import ConfigError
from vecmill.protocols.component import make_prefix
from vecmill.records import Document
from vecmill.testing import check_chunker


@pytest.fixture
def cut(make):
    """Return a text's chunks of at most ten words, as text."""

    def chunks(text, title="", **options):
        chunker = make(ParagraphsChunker, **{"max_tokens": 12} | options)
        return [text[start:end] for start, end, _ in chunker.spans(Document("1", text, title))]

    return chunks


def words(count, first=0):
    """Return so many words."""
    return " ".join(f"w{number}" for number in range(first, first + count))


def test_it_keeps_the_protocol():
    """What every chunker promises, it does."""
    check_chunker(ParagraphsChunker)


def test_whole_paragraphs_are_joined_while_they_fit(cut):
    """4 + 5 words are one chunk of at most 10, and 3 more begin the next."""
    a, b, c = words(4) + ".", words(5) + ".", words(3) + "."

    assert cut(f"{a}\n\n{b}\n\n{c}") == [f"{a}\n\n{b}", c]


@pytest.mark.parametrize("gap", ["\n\n", "\r\n\r\n", "\n \t\n", "\n\n\n\n  "])
def test_a_blank_line_ends_a_paragraph(cut, gap):
    """With any line ending, with spaces on it, or more than one."""
    assert cut(f"{words(8)}.{gap}{words(8)}.") == [f"{words(8)}.", f"{words(8)}."]


def test_a_paragraph_over_the_budget_is_cut_between_sentences(cut):
    """And its sentences do not mix with the paragraph before while it would fit no whole one."""
    before, a, b, c = words(3) + ".", words(6) + "!", words(4) + '."', words(5) + "?"

    assert cut(f"{before}\n\n{a} {b}\n{c}") == [before, f"{a} {b}", c]


def test_chinese_sentences_need_no_space(make):
    """A full-width stop ends a sentence by itself."""
    sentence = "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002"
    chunker, document = make(ParagraphsChunker, "bert", max_tokens=20), Document("1", sentence * 5)

    assert [(start, end, tokens) for start, end, tokens in chunker.spans(document)] == [
        (0, 14, 16),
        (14, 28, 16),
        (28, 35, 9),
    ]


def test_a_sentence_over_the_budget_is_cut_between_lines(cut):
    """As in code and lists."""
    lines = [words(4), words(4), words(4)]

    assert cut("\n".join(lines)) == ["\n".join(lines[:2]), lines[2]]


def test_a_line_over_the_budget_is_cut_between_words(cut):
    """Each chunk as full as can be."""
    assert cut(words(25)) == [words(10), words(10, 10), words(5, 20)]


def test_a_word_over_the_budget_is_cut_between_its_tokens(make):
    """No chunk of it is over the budget, none is much smaller than need be."""
    text = "abc" * 100
    spans = make(ParagraphsChunker, "gpt", max_tokens=20).spans(Document("1", text))

    assert "".join(text[start:end] for start, end, _ in spans) == text
    assert max(tokens for _, _, tokens in spans) == 20


def test_a_heading_goes_with_what_follows(cut):
    """A short line without a full stop does not end a chunk if the next one has room for it."""
    a, b = words(6) + ".", words(6) + "."

    assert cut(f"{a}\n\nHeading\n*******\n\n{b}") == [a, f"Heading\n*******\n\n{b}"]
    assert cut(f"{a}\n\n# One\n\n## Two\n\n{b}") == [a, f"# One\n\n## Two\n\n{b}"]


def test_a_list_of_short_lines_is_not_headings(cut):
    """Chunks of it are full."""
    assert cut("\n\n".join(words(1, n) for n in range(20))) == [
        "\n\n".join(words(1, n) for n in range(m, m + 10)) for m in (0, 10)
    ]


def test_a_heading_that_fits_with_nothing_stays(cut):
    """It would be a chunk by itself otherwise."""
    assert cut(f"{words(6)}.\n\nHeading\n\n{words(10)}.") == [f"{words(6)}.\n\nHeading", f"{words(10)}."]


def test_the_title_takes_its_share_of_the_budget(make):
    """Three words of title leave seven for text; the tokens are of both, and of two special ones."""
    chunker, document = make(ParagraphsChunker, max_tokens=12), Document("1", words(10), "The long title")

    assert chunker.spans(document) == [(0, 20, 12), (21, 29, 8)]
    assert make_prefix(chunker, document) == "The long title\n\n"


def test_without_title_the_text_is_embedded_alone(make):
    """Whether the option says so, or there is none."""
    document = Document("1", words(10), "The long title")
    without = make(ParagraphsChunker, max_tokens=12, title=False)

    assert make_prefix(without, document) == ""
    assert without.spans(document) == [(0, 29, 12)]
    assert make_prefix(make(ParagraphsChunker), document._replace(title=" \n")) == ""


def test_a_long_title_is_shortened_at_a_word(make):
    """It takes at most half of the room."""
    chunker = make(ParagraphsChunker, max_tokens=12)

    assert chunker.title(Document("1", "text", words(5))) == words(5)
    assert chunker.title(Document("1", "text", f"  {words(6)} ")) == words(5)


def test_a_long_word_of_a_title_is_shortened_too(make, tokenizers):
    """Without whitespace, at a character."""
    title = make(ParagraphsChunker, "gpt", max_tokens=20).title(Document("1", "text", "abc" * 100))

    assert 5 <= tokenizers["gpt"].count([title + "\n\n"])[0] <= 10
    assert "abcabcabcabc".startswith(title[:12])


def test_the_prompt_takes_its_share_of_the_budget(make):
    """One word of prompt leaves nine of text."""
    spans = make(ParagraphsChunker, prompt="passage: ", max_tokens=12).spans(Document("1", words(10)))

    assert [tokens for _, _, tokens in spans] == [12, 4]


def test_the_default_gives_way_to_a_smaller_model(make):
    """A model that reads 20 tokens gets chunks of 20."""
    spans = make(ParagraphsChunker, reads=20).spans(Document("1", words(30)))

    assert [tokens for _, _, tokens in spans] == [20, 14]


def test_more_than_the_model_reads_is_refused(make):
    """The error names the limit."""
    with pytest.raises(ConfigError, match=r"chunker\.max_tokens is 600, but m reads 512 tokens at most"):
        make(ParagraphsChunker, max_tokens=600)


def test_a_budget_without_room_for_text_is_refused(make):
    """The error says what takes the room, and what would do."""
    with pytest.raises(
        ConfigError, match=r"special tokens of m take 4: too few are left for text. Set it to 12 or more"
    ):
        make(ParagraphsChunker, prompt="two words ", max_tokens=11)
