"""Tests of vecmill.sanitize."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.sanitize import redact_secrets


@pytest.mark.parametrize("name", ["HF_TOKEN", "VECMILL_TEI_API_KEY", "MODAL_TOKEN_SECRET", "PGPASSWORD", "my_key"])
def test_values_of_secret_variables_are_hidden(monkeypatch, name):
    """Wherever they stand, and however often."""
    monkeypatch.setenv(name, "p@ss.w0rd+/=")
    assert redact_secrets("p@ss.w0rd+/=, 'p@ss.w0rd+/=' and p@ss.w0rd") == "***, '***' and p@ss.w0rd"


@pytest.mark.parametrize(
    ("name", "value"), [("HF_TOKEN_PATH", "/home/user"), ("KEYBOARD", "qwerty-layout"), ("A_KEY", "de")]
)
def test_other_variables_are_not(monkeypatch, name, value):
    """A place is no secret, and a short value would be found in the middle of words."""
    monkeypatch.setenv(name, value)
    assert redact_secrets(f"under {value}") == f"under {value}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no connection to http://user:secret@host:80/x", "no connection to http://***@host:80/x"),
        ("https://token@host and https://host/a@b", "https://***@host and https://host/a@b"),
        ("401 for hf_abcdefghijklmnop!", "401 for ***!"),
        ("{'Authorization': 'Bearer abc.def-ghi'}", "{'Authorization': '***'}"),
        ("as-0123456789abcdefABCDEF", "***"),
        ("as-is, was-1234, hf_hub", "as-is, was-1234, hf_hub"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text, shown):
    """Passwords in addresses, tokens of the Hub and of Modal, headers; nothing that only begins as they do."""
    assert redact_secrets(text) == shown


@given(st.text(max_size=200))
def test_redacting_twice_changes_nothing(text):
    """What is hidden stays hidden, and what is shown is no secret."""
    assert redact_secrets(redact_secrets(text)) == redact_secrets(text)
