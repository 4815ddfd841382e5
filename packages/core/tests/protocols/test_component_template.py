"""What is embedded: prompt, template, text."""

from __future__ import annotations

import pytest

from vecmill.chunking.windows import CharactersChunker
from vecmill.errors import PluginError
from vecmill.protocols.component import fill_template, make_prefix
from vecmill.records import Document, ModelInfo
from vecmill.testing import WordTokenizer


def test_the_prompt_comes_first():
    """Before all a chunker puts there."""
    model = ModelInfo(
        id="m", revision=None, dimension=8, max_tokens=512, pooling="mean", normalized=True, prompt="passage: "
    )
    chunker = CharactersChunker(CharactersChunker.Config(), WordTokenizer(), model)
    chunker.template = "{title} -- {text}"

    assert make_prefix(chunker, Document("1", "text", "Title")) == "passage: Title -- "


def test_a_title_is_taken_as_it_is():
    """Braces in it are no template."""
    assert fill_template("{title}\n\n{text}", "{text} {0} {") == "{text} {0} {\n\n"


def test_a_blank_title_leaves_nothing_behind():
    """No blank lines in front of the text; but what is not about a title stays."""
    assert fill_template("{title}\n\n{text}", "  ") == ""
    assert fill_template("query: {text}", "  ") == "query: "


def test_a_template_ends_with_the_text():
    """Another one is a defect of the chunker, and the error shows it."""
    with pytest.raises(PluginError, match=r'The template "\{text\} in \{title\}" does not end with'):
        fill_template("{text} in {title}", "Title")
