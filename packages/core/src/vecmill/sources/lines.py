"""Line: a line of a text file, compressed or not, and where it ends."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NamedTuple

from vecmill.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.sources.files import File

CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
BOM = b"\xef\xbb\xbf"
LONGEST_LINE = 1 << 28
"""Bytes of a line; a small compressed file can hold one of any length, and all of it would be in memory."""


class Line(NamedTuple):
    """A line of a file.

    Attributes:
        line: Its number, from 1.
        stop: The byte after it, its newline included, in the file before compression.
        data: Its bytes, newline included.
    """

    line: int
    stop: int
    data: bytes

    @property
    def next_line(self) -> int:
        """The number of the line after it."""
        return self.line + 1


def endings(suffix: str) -> tuple[str, ...]:
    """Return a suffix and its compressed kinds, such as ``.csv.gz``."""
    return (suffix, *(suffix + codec for codec in CODECS))


def is_compressed(file: File) -> bool:
    """Whether a file can only be read from its beginning."""
    return file.path.suffix.lower() in CODECS


def lines(file: File, start: int = 0, line: int = 1) -> Iterator[Line]:
    """Yield the lines of a file, without a byte order mark.

    Args:
        file: The file; its name says whether it is compressed.
        start: The byte to begin at, which is the first of a line; 0 in a compressed file.
        line: The number of that line.

    Raises:
        SourceError: The file cannot be read to its end, has a line without end, or changes meanwhile.
    """
    stop = start
    with _open_file(file) as stream:
        if start:
            stream.seek(start)
        try:
            while data := stream.readline(LONGEST_LINE + 1):
                if len(data) > LONGEST_LINE:
                    raise SourceError(f"{file.path} line {line} has more than {LONGEST_LINE} bytes: is it one of text?")
                stop += len(data)
                yield Line(line, stop, data if stop > len(data) else data.removeprefix(BOM))
                line += 1
        except OSError as error:
            told = f"{file.path} is damaged or truncated after line {line - 1}"
            raise SourceError(f"{told}. Replace the file. ({error})") from error


@contextmanager
def _open_file(file: File) -> Iterator[IO[bytes]]:
    with file.open() as stream:
        if not is_compressed(file):
            yield stream
            return
        import pyarrow as pa

        # Not closed here: that would close the file itself, which is looked at once more at the end.
        yield io.BufferedReader(pa.CompressedInputStream(stream, CODECS[file.path.suffix.lower()]), 1 << 20)
