"""What is written to standard error becomes lines of the log."""

import io
import logging
import sys
from typing import TextIO, cast

import click
from hypothesis import given
from hypothesis import strategies as st

from vecmill.cli.json_log import LineCapture


@given(st.lists(st.text(alphabet="ab \n")))
def test_lines_come_whole_however_they_are_written(pieces):
    """In pieces or many at once; blank ones do not come, and a last one without an end does."""
    lines = []
    capture = LineCapture(io.StringIO(), lines.append)
    for piece in pieces:
        assert capture.write(piece) == len(piece)
    capture.finish()
    assert lines == [line for line in "".join(pieces).split("\n") if line.strip()]


def test_it_stands_in_for_standard_error():
    """For prints, for log handlers and for click, which looks closely at what it writes to."""
    lines = []
    capture = LineCapture(sys.stderr, lines.append)
    print("printed", file=capture)
    click.echo("echoed", file=cast("TextIO", capture))
    handler = logging.StreamHandler(capture)
    handler.emit(logging.makeLogRecord({"msg": "logged"}))
    assert lines == ["printed", "echoed", "logged"]
    assert not capture.isatty()
    assert capture.encoding == sys.stderr.encoding
