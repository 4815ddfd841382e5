"""Numbers, sizes and times in text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.cli.format import (
    clean_text,
    format_clock,
    format_count,
    format_duration,
    format_rate,
    format_size,
    printable,
    shorten_path,
)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (5e15, "5,000.0 TB")],
)
def test_sizes_have_the_unit_that_reads_best(count, text):
    """Bytes are counted in thousands, up to terabytes."""
    assert format_size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (754, "12:34"), (3600, "1:00:00")]
)
def test_a_clock_has_hours_only_if_there_are_any(seconds, text):
    """Minutes and seconds, and hours in front when needed."""
    assert format_clock(seconds) == text


def test_durations_are_sentences():
    """Under a minute in seconds with a tenth, above in minutes or hours."""
    assert [format_duration(s) for s in (7.24, 75, 3700)] == ["7.2 s", "1:15 minutes", "1:01:40 hours"]


def test_a_rate_that_is_not_known_is_a_dash_and_a_slow_one_has_a_decimal():
    """A speed of 0.4 chunks/s is not shown as none at all."""
    assert [format_rate(r, "chunks") for r in (None, 0.44, 12345.6)] == [
        "- chunks/s",
        "0.4 chunks/s",
        "12,346 chunks/s",
    ]


def test_one_is_singular():
    """No ``1 shards``."""
    assert [format_count(n, "shard") for n in (0, 1, 2000)] == ["0 shards", "1 shard", "2,000 shards"]


def test_text_cannot_drive_the_terminal():
    """Escape sequences, controls, reversals and lone surrogates go; words, newlines and accents stay."""
    wild = "a\x1b[31mred\x1b]0;title\x07\x00\r\x9b2J\u202egnol\ud800 é 漢字\n\tb"
    assert printable(wild) == "ared]0;title2Jgnol é 漢字\n\tb"


@given(
    st.text(
        st.characters(
            exclude_categories=["Cs", "Cc"], exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        )
    )
)
def test_ordinary_text_is_shown_as_it_is(text):
    """What has no control characters is not changed."""
    assert printable(text) == text


def test_a_path_below_here_is_said_from_here(tmp_path, monkeypatch):
    """Other paths stay as they are."""
    monkeypatch.chdir(tmp_path)
    assert shorten_path(tmp_path / "out" / "x") == str(Path("out/x"))
    assert shorten_path(tmp_path.parent) == str(tmp_path.parent)
    assert shorten_path(Path("out")) == "out"


@pytest.mark.parametrize(
    ("secret", "text"),
    [("canary-of-a-key", "canary\x07-of-a-\u202ekey"), ("canary-of\r-a-key", "canary-of\r-a-key")],
)
def test_a_secret_is_found_with_what_drives_a_terminal_in_it_and_without(monkeypatch, secret, text):
    """Taken apart by a server that quotes it, it would be put together for the screen."""
    monkeypatch.setenv("ROUTER_KEY", secret)
    assert clean_text(f"refused: {text}") == "refused: ***"
