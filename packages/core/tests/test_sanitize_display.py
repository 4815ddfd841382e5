"""Foreign text on a terminal is text."""

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.sanitize import UNSAFE, escape_json, flatten, printable

WILD = "a\x1b[31mred\x07\r\x85\x9b2J\u2028\u2029\u202egnol\u2066\ud800\x7f é 漢字\n\tb"


def test_what_drives_a_terminal_is_taken_out():
    """Escape sequences, controls, reversals, other systems' line ends and lone surrogates; words and newlines stay."""
    assert printable(WILD) == "ared2Jgnol é 漢字\n\tb"


@given(st.recursive(st.text(st.characters()), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)))
def test_escaped_json_is_the_same_json_and_holds_nothing_unsafe(value):
    """Whatever characters there are, in keys too."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    escaped = escape_json(text)
    assert json.loads(escaped) == value
    assert not re.search(f"[{UNSAFE}]", escaped)


@pytest.mark.parametrize("category", ["Cc", "Zl", "Zp"])
def test_every_control_and_line_end_of_unicode_is_unsafe(category):
    """But for the tab and the newline."""
    every = {chr(code) for code in range(0x11_0000) if unicodedata.category(chr(code)) == category}
    assert {character for character in every if printable(character)} <= {"\t", "\n"}


def test_every_character_that_turns_a_line_is_unsafe():
    """Those that Unicode's algorithm knows as marks, embeddings, overrides and isolates."""
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    every = {chr(code) for code in range(0x11_0000) if unicodedata.bidirectional(chr(code)) in turning}
    assert len(every) == 9
    assert printable("".join(every)) == ""


ARABIC = "\u061c-1 \u0645\u06cc\u200c\u062e\u0648\u0627\u0645\u200f!"
HEBREW = "\u05e9\u05dc\u05d5\u05dd\u200e (1)"


@pytest.mark.parametrize("text", [ARABIC, HEBREW, "👨\u200d👩\u200d👧 नमस्ते"])
def test_honest_text_of_any_script_stays_as_it_is(text):
    """A mark has the direction of one letter, which anybody may write; in JSON it is an escape all the same."""
    assert printable(text) == flatten(text) == text
    assert json.loads(escape_json(json.dumps(text, ensure_ascii=False))) == text


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_what_ends_a_line_parts_words_on_one(end):
    """Two words do not become one."""
    assert flatten(f"\x1b[1mone{end}two ") == "one two"
