"""JsonlSource: every line is a document or a problem, with its number."""

from __future__ import annotations

import bz2
import gzip
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecmill.errors import ConfigError, SourceError
from vecmill.sources import JsonlSource
from vecmill.sources import jsonl as jsonl_format

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = st.none() | st.text(max_size=40)
ROWS = st.lists(st.fixed_dictionaries({"id": TEXTS, "text": st.text(max_size=40), "title": TEXTS}), min_size=1)
GOOD = {"id": "1", "text": "one"}


def _source(path: object, **options: object) -> JsonlSource:
    return JsonlSource(JsonlSource.Config(path=str(path), **options))


def _all(source: JsonlSource, target: int) -> list[dict[str, Any]]:
    return [row for part in source.partitions(target) for batch in source.read(part) for row in batch.to_pylist()]


def test_columns_are_typed_once_however_often_the_source_is_split(
    write_lines: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To type a column every row is parsed, and a plan asks for two splits."""
    parsed: list[bytes] = []
    real = jsonl_format.parse
    monkeypatch.setattr(jsonl_format, "parse", lambda line: (parsed.append(line), real(line))[1])
    source = _source(write_lines(*({**GOOD, "n": number} for number in range(50))), keep=["n"])
    splits = [list(source.partitions(target)) for target in (200, 1000)]
    assert len(parsed) == 50
    assert len(splits[0]) > len(splits[1]) > 1


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=3), st.integers(1, 500), st.none() | st.integers(1, 40), st.booleans())
def test_partitions_join_to_the_whole(
    files: list[list[dict[str, object]]],
    target: int,
    limit: int | None,
    ascii_: bool,  # noqa: FBT001 (a generated flag)
) -> None:
    """Any rows, in any files, with any target and limit, come out once and in order."""
    with tempfile.TemporaryDirectory() as folder:
        for number, rows in enumerate(files):
            lines = "".join(json.dumps(row, ensure_ascii=ascii_) + "\n" for row in rows)
            Path(folder, f"{number}.jsonl").write_text(lines, encoding="utf-8", newline="")
        found = _all(_source(folder, limit=limit), target)

    assert [{key: row[key] for key in ("id", "text", "title")} for row in found] == [r for f in files for r in f][
        :limit
    ]


def test_partitions_are_about_as_large_as_asked(tmp_path: Path) -> None:
    """A plain file is cut between lines, wherever the target wants it."""
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": "x" * 100}) + "\n" for _ in range(1_000)))
    counts = [partition.documents or 0 for partition in _source(tmp_path).partitions(12_000)]

    assert sum(counts) == 1_000
    assert max(counts) - min(counts) <= 10


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_a_compressed_file_is_one_partition(tmp_path: Path, read_all: Callable[..., pa.Table], suffix: str) -> None:
    """It can only be read from its beginning; small ones share a partition."""
    data = b"".join(json.dumps({"text": f"text {row}"}).encode() + b"\n" for row in range(100))
    packed = {".gz": gzip.compress(data), ".bz2": bz2.compress(data)}
    for name in "abc":
        (tmp_path / f"{name}.jsonl{suffix}").write_bytes(packed.get(suffix) or bytes(pa.compress(data, "zstd")))
    source = _source(tmp_path, limit=250)

    assert [partition.documents for partition in source.partitions(10)] == [100, 100, 50]
    assert [partition.documents for partition in source.partitions(1 << 20)] == [250]
    assert read_all(source, 10)["id"].to_pylist() == [str(row) for row in range(250)]


@pytest.mark.fault(
    "source",
    "a line is not JSON, or not a document",
    promise="It is quarantined with its line; the others are read.",
)
@pytest.mark.parametrize(
    ("line", "id_", "told"),
    [
        (b'{"id": "x", "text": "a"', "articles.jsonl:3", "is not valid JSON: Expecting ',' delimiter at character 24"),
        (b"[1, 2]", "articles.jsonl:3", "holds a list, not an object"),
        (b"null", "articles.jsonl:3", "holds null, not an object"),
        (b'{"id": "x", "text": "\xff"}', "articles.jsonl:3", "is not valid UTF-8: invalid start byte at byte 22"),
        (b"[" * 100_000, "articles.jsonl:3", "is not valid JSON: "),
        (b'{"id": 1.5, "text": "a"}', "articles.jsonl:3", "has a number as its id, not a string or a whole number"),
        (b'{"id": true, "text": "a"}', "articles.jsonl:3", "has a boolean as its id, not a string"),
        (b'{"id": "\\ud800", "text": "a"}', "articles.jsonl:3", "has a lone surrogate in its 'id'"),
        (b'{"id": "x", "text": 5}', "x", "has a number as its text, not a string"),
        (b'{"id": "x", "text": ["a"]}', "x", "has a list as its text, not a string"),
        (b'{"id": "x", "text": "a\\udc00b"}', "x", "has a lone surrogate in its 'text', which is not valid Unicode"),
        (b'{"id": "x", "text": "a", "title": {}}', "x", "has an object as its title, not a string"),
        (b'{"id": "x", "text": "a", "lang": "\\ud800"}', "x", "has a lone surrogate in its 'lang'"),
    ],
)
def test_a_bad_line_is_a_problem_of_its_own(
    write_lines: Callable[..., Path], read_all: Callable[..., pa.Table], line: bytes, id_: str, told: str
) -> None:
    """It keeps its place and its number; the lines around it are read."""
    path = write_lines({"id": "1", "text": "one", "lang": "en"}, b"", line, {"id": "2", "text": "two", "lang": None})
    for target in (1, 1 << 20):
        first, bad, last = read_all(_source(path, keep=["lang"]), target).to_pylist()

        assert (first["id"], last["id"], first["problem"], last["problem"]) == ("1", "2", None, None)
        assert bad["id"] == id_
        assert bad["problem"].startswith(f"articles.jsonl line 3 {told}")
        assert bad["text"] is None


@pytest.mark.fault(
    "source",
    "a JSON Lines file is cut short",
    promise="The shard fails and names the file and the line.",
)
@pytest.mark.parametrize("end", [b'{"id": "2", "te', b'{"id": "2", "text": "\xe2\x82'])
def test_an_unfinished_last_line_is_a_truncated_file(write_lines: Callable[..., Path], end: bytes) -> None:
    """Half a line at the end is not one bad document but a file that was cut off."""
    path = write_lines(GOOD)
    path.write_bytes(path.read_bytes() + end)

    with pytest.raises(SourceError, match=r"articles.jsonl breaks off in line 2, which is not valid .* is truncated"):
        list(_source(path).partitions(1_000))
    assert len(_all(_source(path, limit=1), 1_000)) == 1


def test_a_last_line_without_a_newline_is_whole(write_lines: Callable[..., Path]) -> None:
    """If it can be read, nothing is missing."""
    path = write_lines(GOOD)
    path.write_bytes(path.read_bytes() + b'{"id": "2", "text": "two"}')

    assert [row["id"] for row in _all(_source(path), 1)] == ["1", "2"]


@pytest.mark.fault(
    "source",
    "a compressed file is cut short",
    promise="The shard fails and names the file.",
)
@pytest.mark.parametrize("cut", [-4, -30])
def test_a_truncated_compressed_file_is_named(tmp_path: Path, cut: int) -> None:
    """With the last line that could be read."""
    data = b"".join(json.dumps({"text": f"text {row}"}).encode() + b"\n" for row in range(100))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(data)[:cut])

    with pytest.raises(SourceError, match=r"a.jsonl.gz is damaged or truncated after line \d+"):
        list(_source(tmp_path).partitions(1_000))


def test_whole_numbers_are_ids_and_titles(write_lines: Callable[..., Path], read_all: Callable[..., pa.Table]) -> None:
    """Turning them into strings loses nothing."""
    (row,) = read_all(_source(write_lines({"id": 18446744073709551615, "text": "a", "title": 1984}))).to_pylist()

    assert (row["id"], row["title"]) == ("18446744073709551615", "1984")


def test_whole_numbers_beyond_64_bits_keep_their_digits_as_ids(
    write_lines: Callable[..., Path], read_all: Callable[..., pa.Table]
) -> None:
    """The fast parser makes doubles of them, of which these are one."""
    ids = [10**24 + 1, 10**24 + 2, -(10**24), 2**64]
    path = write_lines(
        *(f'{{"id": {each}, "text": "x", "title": {each}}}'.encode() for each in ids), b'{"id": 1e30, "text": "x"}'
    )
    found = read_all(_source(path))

    assert found["id"].to_pylist()[:4] == found["title"].to_pylist()[:4] == [str(each) for each in ids]
    assert "has a number as its id" in found["problem"].to_pylist()[4]


@pytest.mark.parametrize("value", ["%s", "[1.5, %s]", '[1, {"a": %s}]'])
def test_whole_numbers_beyond_64_bits_are_not_kept(write_lines: Callable[..., Path], value: str) -> None:
    """They would become doubles, and keys that differ in their last digits one."""
    lines = [f'{{"text": "x", "key": {value % (10**24 + each)}}}'.encode() for each in range(2)]
    path = write_lines(b'{"text": "x", "key": null}', *lines)

    with pytest.raises(
        ConfigError, match=r"'key': .* line 2 has the whole number 10{24} there, which is beyond 64 bits"
    ):
        list(_source(path, keep=["key"]).partitions(1_000))
    assert len(list(_source(path).partitions(1_000))) == 1


def test_large_doubles_are_kept(write_lines: Callable[..., Path], read_all: Callable[..., pa.Table]) -> None:
    """What the file writes as a double is one."""
    path = write_lines(b'{"text": "x", "score": 1e300}', b'{"text": "x", "score": -1e19}')

    assert read_all(_source(path, keep=["score"]))["score"].to_pylist() == [1e300, -1e19]


def test_a_missing_id_is_null_where_others_have_one(write_lines: Callable[..., Path]) -> None:
    """It is set aside later; no other id is made up for it."""
    path = write_lines(GOOD, {"text": "two"}, {"id": None, "text": "three"}, {"id": "4"})

    assert [(row["id"], row["text"]) for row in _all(_source(path), 1)] == [
        ("1", "one"),
        (None, "two"),
        (None, "three"),
        ("4", None),
    ]


def test_without_ids_rows_are_numbered(write_lines: Callable[..., Path], read_all: Callable[..., pa.Table]) -> None:
    """Blank lines are not counted, broken ones are."""
    path = write_lines({"text": "a"}, b"", {"text": "b"}, b"{", {"text": "c"})

    assert read_all(_source(path), 1)["id"].to_pylist() == ["0", "1", "articles.jsonl:4", "3"]


def test_a_byte_order_mark_is_skipped(write_lines: Callable[..., Path]) -> None:
    """Windows programs write one; it is no part of the first line."""
    path = write_lines(GOOD)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert _all(_source(path), 1)[0]["problem"] is None


def test_odd_texts_come_through(write_lines: Callable[..., Path], read_all: Callable[..., pa.Table]) -> None:
    """NUL, combining marks, right-to-left and astral characters, line separators, and 50 MB in one line."""
    texts = ["\x00", "a\u0301", "שלום", "漢字", "😀", "a\u2028b\x85c\r\nd", "x" * (50 << 20)]
    found = read_all(_source(write_lines(*({"text": text} for text in texts))), 1_000)

    assert found["text"].to_pylist() == texts


@pytest.mark.parametrize(
    ("rows", "options", "told"),
    [
        (
            [{"id": "1", "body": "a"}],
            {},
            r"articles.jsonl has no column 'text'; it has id, body. .*{ text = \"...\" }",
        ),
        ([GOOD], {"columns": {"title": "head"}}, "has no column 'head'; it has id, text"),
        ([GOOD], {"keep": ["lang"]}, "has no column 'lang'; it has id, text: take it out of keep"),
        ([{"text": 1}, {"text": [1]}], {}, "text column 'text' of .* holds a list or a number, not strings"),
        ([{"text": "a", "n": 1}, {"text": "b", "n": "x"}], {"keep": ["n"]}, "keep cannot carry the column 'n'"),
    ],
)
def test_rows_without_the_columns_are_refused_when_planning(
    write_lines: Callable[..., Path], rows: list[object], options: dict[str, object], told: str
) -> None:
    """The message names the file, its columns, and what to do."""
    with pytest.raises(ConfigError, match=told):
        list(_source(write_lines(*rows), **options).partitions(1_000))


@pytest.mark.parametrize("line", [b'[{"text": "a"},', b"id,text", b"\x1f\x8b\x08"])
def test_another_format_is_refused(write_lines: Callable[..., Path], line: bytes) -> None:
    """A JSON array, a CSV or a compressed file under this name is told apart from a bad line."""
    with pytest.raises(SourceError, match=r"articles.jsonl line 1 .*reads files with one JSON object on each line"):
        list(_source(write_lines(line)).partitions(1_000))


def test_kept_columns_get_one_type_for_all_rows(
    write_lines: Callable[..., Path], read_all: Callable[..., pa.Table]
) -> None:
    """Found over the whole source, so that every partition has the same schema."""
    rows = [{"text": "a", "n": 1, "tags": []} for _ in range(2_000)]
    rows += [{"text": "a", "n": 0.5, "tags": ["x"], "only": {"k": None}}, {"text": "b"}]
    found = read_all(_source(write_lines(*rows), keep=["n", "tags", "only"]), 1_000)

    assert found.schema.field("n").type == pa.float64()
    assert found.schema.field("tags").type.value_type == pa.string()
    assert found["n"].to_pylist() == [1.0] * 2_000 + [0.5, None]
    assert found["only"].to_pylist()[-2:] == [{"k": None}, None]


def test_a_column_of_nulls_is_kept_as_strings(
    write_lines: Callable[..., Path], read_all: Callable[..., pa.Table]
) -> None:
    """No value says what it would be."""
    found = read_all(_source(write_lines({"text": "a", "lang": None}), keep=["lang"]))

    assert found.schema.field("lang").type == pa.string()


def test_a_value_that_fits_no_common_type_is_a_problem(
    write_lines: Callable[..., Path], read_all: Callable[..., pa.Table]
) -> None:
    """A whole number too large for a column of fractions is told, not rounded."""
    rows = [{"text": "a", "n": 2**60 + 1}] + [{"text": "a", "n": 1}] * 999 + [{"text": "b", "n": 0.5}]
    first, *_, last = read_all(_source(write_lines(*rows), keep=["n"])).to_pylist()

    assert first["problem"] == "its n 1152921504606846977 does not fit double, the type of the column"
    assert (first["text"], first["n"], last["n"], last["problem"]) == (None, None, 0.5, None)
