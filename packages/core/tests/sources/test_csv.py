"""CsvSource: every record is a document or a problem, with its line."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecmill.errors import ConfigError, SourceError
from vecmill.sources import CsvSource
from vecmill.sources import csv as csv_format

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

FIELD = st.text(st.characters(codec="utf-8") | st.sampled_from('",\n\r\t'), max_size=20)
ROWS = st.lists(st.tuples(FIELD, FIELD, FIELD), min_size=1, max_size=20)


def _source(path: object, **options: object) -> CsvSource:
    return CsvSource(CsvSource.Config(path=str(path), **options))


def _all(source: CsvSource, target: int) -> list[dict[str, Any]]:
    return [row for part in source.partitions(target) for batch in source.read(part) for row in batch.to_pylist()]


def _written(rows: Sequence[tuple[str, ...]], header: tuple[str, ...], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return out.getvalue()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(ROWS, min_size=1, max_size=3),
    st.integers(1, 300),
    st.none() | st.integers(1, 40),
    st.sampled_from(",\t;"),
)
def test_partitions_join_to_the_whole(
    files: list[list[tuple[str, str, str]]], target: int, limit: int | None, delimiter: str
) -> None:
    """Any fields, with quotes and newlines, in any files, with any target and limit, come out once and in order."""
    with tempfile.TemporaryDirectory() as folder:
        for number, rows in enumerate(files):
            text = _written(rows, ("id", "text", "lang"), delimiter)
            Path(folder, f"{number}.csv").write_text(text, encoding="utf-8", newline="")
        found = _all(_source(folder, limit=limit, keep=["lang"], delimiter=delimiter, quote='"'), target)

    assert [(row["id"], row["text"], row["lang"]) for row in found] == [row for rows in files for row in rows][:limit]


def test_records_are_cut_between_partitions_only_where_they_end(tmp_path: Path) -> None:
    """A quoted newline is no place to cut."""
    rows = [(str(row), "line\n" * 20) for row in range(100)]
    (tmp_path / "a.csv").write_text(_written(rows, ("id", "text")), newline="")
    counts = [partition.documents or 0 for partition in _source(tmp_path).partitions(1_200)]

    assert sum(counts) == 100
    assert 8 <= min(counts) <= max(counts) <= 12


@pytest.mark.fault(
    "source",
    "a CSV record is malformed",
    promise="It is quarantined with its line; the others are read.",
)
def test_a_bad_record_is_a_problem_of_its_own(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """It is told by file and line, and the records around it are read."""
    lines = ["id,text", "1,one", '2,"two', 'lines"', "", "3", "4,four,more", '5,"five"x', "6,six"]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    for target in (1, 1 << 20):
        found = read_all(_source(tmp_path / "a.csv"), target)

        assert found["id"].to_pylist() == ["1", "2", "a.csv:6", "a.csv:7", "a.csv:8", "6"]
        assert found["text"].to_pylist() == ["one", "two\nlines", None, None, None, "six"]
        assert found["problem"].to_pylist() == [
            None,
            None,
            "a.csv line 6 has 1 fields, but the header has 2",
            "a.csv line 7 has 3 fields, but the header has 2",
            "a.csv line 8 is not valid CSV: ',' expected after '\"'",
            None,
        ]


SWALLOWED = {
    "closed by a later row": 'id\ttext\n1 One\tx\n2 Two\t"Open quote\n3 Three\ty\n4 Four\tz"\n5 Five\tu\n',
    "malformed at a later row": 'id\ttext\n1 One\tx\n2 Two\t"Open quote\n3 Three\ty\n4 Four\tsays "z" now\n5 Five\tu\n',
    "with a third column": 'lang\ttext\tid\nen\tx\t1\nen\t"y\t2\nen\tz\t3\nen\t"w"\t4\nen\tu\t5\n',
    "with commas": 'id,text,lang\n1,x,en\n2,"open,en\n3,y,en\n4,"z",en\n5,u,en\n',
}


@pytest.mark.parametrize("content", SWALLOWED.values(), ids=SWALLOWED)
def test_a_quote_that_makes_one_record_of_rows_is_refused(
    tmp_path: Path, read_all: Callable[..., pa.Table], content: str
) -> None:
    """They vanished without a word. Without quotes each row is a document."""
    path = tmp_path / ("a.csv" if "," in content.splitlines()[0] else "a.tsv")
    path.write_text(content)

    with pytest.raises(
        SourceError, match=r"line 3 has a quote that makes one record of the . rows.*: set quote = \"\""
    ):
        list(_source(path).partitions(1_000))
    lines, delimiter = content.splitlines()[1:], "," if path.suffix == ".csv" else "\t"
    assert read_all(_source(path, quote=""))["text"].to_pylist() == [line.split(delimiter)[1] for line in lines]
    assert len(read_all(_source(path, quote='"'))) < 5


@pytest.mark.parametrize(
    "text",
    [
        "Hello\nDear Bob, hi",
        "Ingredients:\n2, eggs\n3, milk",
        "one\ntwo",
        "Prices\napples\t3",
        "code:\n\treturn",
        'a "b"\nc,d',
    ],
)
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_lines_in_quotes_are_one_field(
    tmp_path: Path, read_all: Callable[..., pa.Table], text: str, delimiter: str
) -> None:
    """Even with as many delimiters as a row has."""
    (tmp_path / "a.csv").write_text(_written([("1", text), ("2", "x")], ("id", "text"), delimiter), newline="")

    assert read_all(_source(tmp_path, delimiter=delimiter))["text"].to_pylist() == [text, "x"]


def test_the_default_quote_is_no_part_of_what_is_hashed(tmp_path: Path) -> None:
    """Runs of the time before the option keep their ids."""
    assert "quote" not in _source(tmp_path).config.model_dump(mode="json")
    assert not _source(tmp_path, quote="").config.model_dump(mode="json")["quote"]


@pytest.mark.fault(
    "source",
    "a CSV file is cut short",
    promise="The shard fails and names the file: what is missing cannot be counted.",
)
def test_an_open_quote_at_the_end_is_a_truncated_file(tmp_path: Path) -> None:
    """All after the quote would be one document; the message says where it opens."""
    (tmp_path / "a.csv").write_text('id,text\n1,one\n2,"two\n3,three\n')

    with pytest.raises(SourceError, match=r"a.csv line 3 opens a quote that is not closed"):
        list(_source(tmp_path).partitions(1_000))


def test_a_field_beyond_all_measure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open quote must not take the rest of a large file into memory."""
    monkeypatch.setattr(csv_format, "LONGEST_FIELD", 100)
    (tmp_path / "a.csv").write_text('id,text\n1,"' + "x\n" * 200 + '"\n')

    with pytest.raises(SourceError, match=r"a.csv line 2 begins a field of more than 100 characters"):
        list(_source(tmp_path).partitions(1_000))


def test_a_document_of_fifty_megabytes_is_read(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """The parser's own limit of 128 kB does not hold here."""
    (tmp_path / "a.csv").write_text("text\n" + "x" * (50 << 20) + "\nsmall\n")

    assert [len(text) for text in read_all(_source(tmp_path))["text"].to_pylist()] == [50 << 20, 5]


def test_another_encoding_is_named_by_line(tmp_path: Path) -> None:
    """A file that is not UTF-8 is refused as a whole: its good lines may be wrong too."""
    (tmp_path / "a.csv").write_bytes("id,text\n1,one\n2,caf\xe9\n".encode("latin-1"))

    with pytest.raises(SourceError, match=r"a.csv line 3 is not valid UTF-8 .* convert the file to UTF-8"):
        list(_source(tmp_path).partitions(1_000))


def test_tabs_separate_tsv_files(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """Compressed or not, and with a byte order mark or without."""
    (tmp_path / "a.tsv").write_text("\ufeffid\ttext\n1\ta,b\n", encoding="utf-8")
    (tmp_path / "b.tsv.gz").write_bytes(gzip.compress(b"text\tid\nc\t2\n"))
    found = read_all(_source(tmp_path), 1)

    assert list(zip(found["id"].to_pylist(), found["text"].to_pylist(), strict=True)) == [("1", "a,b"), ("2", "c")]


def test_without_ids_records_are_numbered(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """Through all files."""
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("text\nx\ny\n")

    assert read_all(_source(tmp_path), 1)["id"].to_pylist() == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("content", "options", "error", "told"),
    [
        ("id,body\n1,a\n", {}, ConfigError, r"a.csv has no column 'text'; it has id, body"),
        ("id,text\n1,a\n", {"keep": ["lang"]}, ConfigError, "has no column 'lang'; it has id, text: take it out"),
        ("text,text\n1,a\n", {}, ConfigError, "has 2 columns named 'text'"),
        ("", {}, SourceError, "a.csv has no header line"),
        ("id,text\r1,a\r", {}, SourceError, "a.csv has no header line .*: its first line is not valid CSV: new-line"),
        ("id, text,\x00\n1,a,b\n", {}, ConfigError, r"it has id, ' text', '\\x00': name"),
        ("id,text\n", {}, SourceError, "holds no documents"),
    ],
)
def test_a_file_without_the_columns_is_refused_when_planning(
    tmp_path: Path, content: str, options: dict[str, object], error: type[Exception], told: str
) -> None:
    """The message names the file, its columns, and what to do."""
    (tmp_path / "a.csv").write_text(content)

    with pytest.raises(error, match=told):
        list(_source(tmp_path, **options).partitions(1_000))
