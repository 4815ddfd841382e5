"""Tests of vecmill.store.card.markdown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.redaction import MARKS, UNSAFE, printable
from vecmill.store.card.markdown import cell, code, link, plain


@pytest.mark.parametrize(
    "text", ["all-MiniLM-L6-v2", "minilm_v2", "user/name", "passage: ", "bge-small-en-v1.5", "é 漢字", "0.1.0"]
)
def test_what_names_are_made_of_stays(text):
    """Cards of datasets that were made before state the same."""
    assert plain(text) == text
    assert code(text) == cell(text) == f"`{text}`"


@given(st.text())
def test_nothing_ends_its_code_or_its_line(text):
    """The fence is longer than any run of ticks within, and a bar does not end a cell."""
    shown = code(text)
    fence = shown[: len(shown) - len(shown.lstrip("`"))]
    inside = shown[len(fence) : -len(fence)]
    assert shown.endswith(fence)
    assert fence not in re.findall("`+", inside)
    assert not inside.startswith("`")
    assert not inside.endswith("`")
    for made in (shown, cell(text), plain(text)):
        assert not re.search(f"(?![{MARKS}])[\n{UNSAFE}]", made)
    assert not re.search(r"(?<!\\)\|", cell(text))


@given(st.text())
def test_prose_holds_no_link_no_tag_and_no_code(text):
    """Each mark stands behind a backslash, which itself stands behind one; what would be a link by itself is code."""
    if re.search(r"://|www\.|@|mailto:|xmpp:", printable(text), re.IGNORECASE):
        assert plain(text) == cell(text)
        return
    bare = re.sub(r"\\[\\`*\[\]<>|~_&]", "", plain(text))
    assert not re.search(r"[`*\[\]<>|~]", bare)


@pytest.mark.parametrize(
    "text",
    ["see https://evil.example", "HTTP://evil.example", "WWW.evil.example", "a@evil.example", "ftp://evil.example"],
)
def test_a_bare_address_in_prose_is_code(text):
    """The Hub's Markdown makes a link of it without any mark, and of an escaped one too."""
    assert plain(text) == f"`{text}`"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("_a_ __b__ c_d", "\\_a\\_ \\_\\_b\\_\\_ c_d"),
        ("&lt;b&gt; &#60; R&D", "\\&lt;b\\&gt; \\&#60; R&D"),
        ("https:\x07//evil.example", "`https://evil.example`"),
        ("WWW.evil.example | x", "`WWW.evil.example \\| x`"),
        ("by @somebody", "`by @somebody`"),
    ],
)
def test_no_renderer_makes_more_of_prose_than_its_words(text, shown):
    """Emphasis, an entity, an address or a name that stands there bare."""
    assert plain(text) == shown


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "https://x.org) [y](https://z",
        "https://x.org/ a",
        "<b>",
        "",
        "https://x\ny",
        "data:text/html,x",
    ],
)
def test_only_a_plain_address_becomes_a_link(address):
    """Another is shown as code."""
    assert "](" not in re.sub("`+.*?`+", "", link("name", address))
    assert link("name", "https://example.org/a?b=c#d") == "[name](https://example.org/a?b=c#d)"
