"""Tests of vecmill.store.state."""

from types import SimpleNamespace
from typing import Any

from vecmill.records import Sent
from vecmill.store.layout import Layout
from vecmill.store.state import add_sent, read_sent

SENT = Sent(publisher="hub", sha256="0" * 64, note={})
RECEIPT: Any = SimpleNamespace(sent=(SENT,))


def test_of_a_damaged_note_nothing_was_sent_and_the_next_one_takes_its_place(tmp_path):
    """Publishers ask their place, and send again what is not there: nobody is stopped by it."""
    layout = Layout(tmp_path)
    add_sent(layout, [RECEIPT])
    assert read_sent(layout) == (SENT,)
    layout.sent.write_bytes(b"{")
    assert read_sent(layout) == ()
    add_sent(layout, [RECEIPT])
    assert read_sent(layout) == (SENT,)
