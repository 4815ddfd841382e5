"""Tests of vecmill.cli.capture."""

import io
import logging
import sys
from typing import TextIO, cast

import click
from hypothesis import given
from hypothesis import strategies as st

from vecmill.cli.capture import Heard


@given(st.lists(st.text(alphabet="ab \n")))
def test_lines_come_whole_however_they_are_written(pieces):
    """In pieces or many at once; blank ones do not come, and a last one without an end does."""
    told = []
    heard = Heard(io.StringIO(), told.append)
    for piece in pieces:
        assert heard.write(piece) == len(piece)
    heard.finish()
    assert told == [line for line in "".join(pieces).split("\n") if line.strip()]


def test_it_stands_in_for_standard_error():
    """For prints, for log handlers and for click, which looks closely at what it writes to."""
    told = []
    heard = Heard(sys.stderr, told.append)
    print("printed", file=heard)
    click.echo("echoed", file=cast("TextIO", heard))
    handler = logging.StreamHandler(heard)
    handler.emit(logging.makeLogRecord({"msg": "logged"}))
    assert told == ["printed", "echoed", "logged"]
    assert not heard.isatty()
    assert heard.encoding == sys.stderr.encoding
