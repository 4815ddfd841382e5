"""ParquetSource: rows come out as they went in, from any partition, or with a clear error."""

from __future__ import annotations

import io
import os
import tempfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecmill.errors import ConfigError, SourceError
from vecmill.sources import ParquetFormat, ParquetSource
from vecmill.sources import parquet as parquet_format
from vecmill.sources.batches import BYTES, plain_type

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXTS = st.none() | st.text(max_size=40)
ROWS = st.lists(
    st.fixed_dictionaries({"id": TEXTS, "text": TEXTS, "title": TEXTS, "n": st.integers(-9, 9)}), min_size=1
)


def _source(path: object, **options: object) -> ParquetSource:
    return ParquetSource(ParquetSource.Config(path=path if isinstance(path, list) else str(path), **options))


def _write(path: Path, rows: int = 100, size: int = 10, **columns: object) -> Path:
    """Write a file of ten row groups."""
    table = {"id": [str(row) for row in range(rows)], "text": [f"{row} " * size for row in range(rows)], **columns}
    pq.write_table(pa.table(table), path, row_group_size=max(1, rows // 10))
    return path


def test_a_file_is_looked_into_once_however_often_its_source_is_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan asks for two splits: another size, the same look; and the parts are those of a fresh source."""
    for number in range(3):
        _write(tmp_path / f"{number}.parquet")
    opened: list[str] = []
    real = ParquetFormat.open_table
    monkeypatch.setattr(ParquetFormat, "open_table", lambda self, file: (opened.append(file.name), real(self, file))[1])
    source = _source(tmp_path)
    splits = [list(source.partitions(target)) for target in (500, 5000)]
    assert sorted(opened) == ["0.parquet", "1.parquet", "2.parquet"]
    assert len(splits[0]) > len(splits[1]) > 1
    assert splits == [list(_source(tmp_path).partitions(target)) for target in (500, 5000)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(ROWS, min_size=1, max_size=3),
    st.integers(1, 20),
    st.integers(1, 500),
    st.none() | st.integers(1, 60),
)
def test_partitions_join_to_the_whole(
    files: list[list[dict[str, object]]], group: int, target: int, limit: int | None
) -> None:
    """Any rows, in any files and row groups, with any target and limit, come out once and in order."""
    types = pa.schema([("id", pa.string()), ("text", pa.string()), ("title", pa.string()), ("n", pa.int8())])
    with tempfile.TemporaryDirectory() as folder:
        for number, rows in enumerate(files):
            pq.write_table(pa.Table.from_pylist(rows, types), f"{folder}/{number}.parquet", row_group_size=group)
        source = _source(folder, limit=limit, keep=["n"])
        found = [row for part in source.partitions(target) for batch in source.read(part) for row in batch.to_pylist()]

    assert [{key: row[key] for key in types.names} for row in found] == [row for rows in files for row in rows][:limit]
    assert all(row["url"] is None and row["problem"] is None for row in found)


def test_partitions_are_as_large_as_asked(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """A row group is a partition when the target is its text, and the whole is one when the target is."""
    source = _source(_write(tmp_path / "a.parquet", rows=1_000, size=100))
    total = sum(partition.bytes for partition in source.partitions(1 << 40))

    assert [partition.documents for partition in source.partitions(total // 10 + 100)] == [100] * 10
    assert [partition.documents for partition in source.partitions(1 << 40)] == [1_000]
    assert read_all(source, total // 10)["id"].to_pylist() == [str(row) for row in range(1_000)]


def test_one_large_row_group_is_shared(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """A file of a single row group, as pandas writes them, still makes many partitions."""
    pq.write_table(pa.table({"text": [f"{row} words" * 20 for row in range(1_000)]}), tmp_path / "a.parquet")
    source = _source(tmp_path)

    assert max(partition.documents or 0 for partition in source.partitions(20_000)) < 200
    assert read_all(source, 20_000)["id"].to_pylist() == [str(row) for row in range(1_000)]


def test_batches_stay_small(tmp_path: Path) -> None:
    """A row group of 60 MB is streamed in batches of eight; a document larger than that is alone."""
    texts = ["a" * (1 << 20)] * 30 + ["b" * (10 << 20)] + ["c" * (1 << 20)] * 20
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet", use_dictionary=False)
    source = _source(tmp_path)
    (partition,) = source.partitions(1 << 40)
    batches = [batch.column("text").to_pylist() for batch in source.read(partition)]

    assert [text for batch in batches for text in batch] == texts
    assert all(sum(map(len, batch)) <= BYTES or len(batch) == 1 for batch in batches)


def test_a_large_row_group_is_never_read_whole(tmp_path: Path) -> None:
    """A local file is read through a small buffer: memory does not grow with a row group."""
    rows = pa.table({"text": [os.urandom(250).hex() for _ in range(40_000)]})
    pq.write_table(rows, tmp_path / "a.parquet", compression="none", use_dictionary=False)
    reads: list[int] = []

    class Noted(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(-1 if size is None else size)
            reads.append(len(data))
            return data

    with Noted(tmp_path / "a.parquet") as stream:
        table = parquet_format.ParquetTable(stream, "a.parquet")
        assert sum(batch.num_rows for batch in table.rows(["text"], 0, None)) == 40_000
    assert sum(reads) > 40_000 * 500
    assert max(reads) <= 2 * parquet_format.BUFFER


def test_only_needed_columns_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that is neither ours nor kept may be as large, or as broken, as it likes."""
    asked: list[tuple[str, ...]] = []
    rows = parquet_format.ParquetTable.rows

    def noted(self: parquet_format.ParquetTable, columns: list[str], start: int, stop: int | None) -> object:
        asked.append(tuple(columns))
        return rows(self, columns, start, stop)

    monkeypatch.setattr(parquet_format.ParquetTable, "rows", noted)
    source = _source(_write(tmp_path / "a.parquet", vectors=[[0.0] * 100] * 100, lang=["en"] * 100), keep=["lang"])
    list(source.read(next(source.partitions(1 << 40))))

    assert asked == [("id", "text", "lang")]


def test_kept_columns_keep_their_types(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """Whatever Arrow can hold is carried along; a dictionary as its values."""
    kept = {
        "tags": pa.array([["a"], None] * 50, pa.list_(pa.string())),
        "when": pa.array([0] * 100, pa.timestamp("us", "UTC")),
        "lang": pa.array(["en", "fr"] * 50).dictionary_encode(),
        "a.b": pa.array([{"x": 1}] * 100),
    }
    found = read_all(_source(_write(tmp_path / "a.parquet", **kept), keep=list(kept)), 100)

    for name, column in kept.items():
        assert found[name].to_pylist() == column.to_pylist()
        assert found.schema.field(name).type == plain_type(pq.read_schema(tmp_path / "a.parquet").field(name).type)


def test_columns_are_mapped(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """Other names are mapped; whole numbers become strings; dictionaries and views are texts too."""
    table = {
        "key": pa.array([7, None], pa.uint64()),
        "body": pa.array(["a", "b"]).dictionary_encode(),
        "link": pa.array(["u", None], pa.large_string()),
        "year": pa.array([1984, 2001]),
    }
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    columns = {"id": "key", "text": "body", "url": "link", "title": "year"}
    found = read_all(_source(tmp_path, columns=columns)).drop_columns("problem")

    assert found.to_pylist() == [
        {"id": "7", "text": "a", "url": "u", "title": "1984"},
        {"id": None, "text": "b", "url": None, "title": "2001"},
    ]


def test_without_ids_rows_are_numbered_through_all_files(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """No id column, or one that is left out, makes a row's number its id."""
    for name in "ab":
        pq.write_table(pa.table({"text": ["x"] * 5, "key": ["same"] * 5}), tmp_path / f"{name}.parquet")

    assert read_all(_source(tmp_path), 1)["id"].to_pylist() == [str(row) for row in range(10)]
    assert read_all(_source(tmp_path, columns={"id": ""}), 1)["id"].to_pylist() == [str(row) for row in range(10)]


def test_bytes_that_are_not_unicode_become_a_problem(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """Parquet does not check its strings; such a row is told apart, and the others are read."""
    values = pa.array([b"good", b"lone \xed\xa0\x80", b"latin \xe9", None])
    bad = pa.Array.from_buffers(pa.string(), 4, values.buffers())
    pq.write_table(pa.table({"id": ["0", "1", "2", "3"], "text": bad}), tmp_path / "a.parquet")
    found = read_all(_source(tmp_path))

    assert found["text"].to_pylist() == ["good", None, None, None]
    assert found["problem"].to_pylist() == [
        None,
        "its text is not valid UTF-8 at byte 5 (invalid continuation byte)",
        "its text is not valid UTF-8 at byte 6 (unexpected end of data)",
        None,
    ]


def test_so_do_they_in_a_column_that_is_carried_along(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """At any depth: other readers refuse a whole file for one of them."""
    values = pa.array([b"good", b"bad \xff", b"fine", b"\xfe"])
    bad = pa.Array.from_buffers(pa.string(), 4, values.buffers())
    kept = {
        "tags": pa.ListArray.from_arrays([0, 1, 2, 3], bad),
        "made": pa.StructArray.from_arrays([bad[1:]], names=["by"]),
    }
    pq.write_table(pa.table({"id": ["0", "1", "2"], "text": ["x", "y", "z"], **kept}), tmp_path / "a.parquet")
    found = read_all(_source(tmp_path, keep=["tags", "made"]))

    told = [f"its {name} is not valid UTF-8" for name in ("made", "tags", "made")]
    assert found["problem"].to_pylist() == told
    assert found["tags"].to_pylist() == [["good"], None, ["fine"]]
    assert found["made"].to_pylist() == [None, {"by": "fine"}, None]


@pytest.mark.parametrize(
    ("columns", "options", "told"),
    [
        ({"body": ["a"]}, {}, r"a.parquet has no column 'text'; it has body. .* columns = { text = \"...\" }"),
        ({"text": ["a"]}, {"columns": {"title": "head"}}, "no column 'head'; it has text"),
        ({"text": ["a"]}, {"keep": ["lang"]}, "no column 'lang'; it has text: take it out of keep"),
        ({"text": [1]}, {}, "text column 'text' of .*a.parquet holds int64, not strings"),
        ({"text": [b"a"]}, {}, "holds binary, not strings"),
        ({"text": ["a"], "id": [1.5]}, {}, r"holds double, not strings or whole numbers.* { id = \"\" }"),
        ({"text": ["a"], "url": [["a"]]}, {}, "url column 'url' .* holds list"),
    ],
)
def test_a_file_without_the_columns_is_refused_when_planning(
    tmp_path: Path, columns: dict[str, object], options: dict[str, object], told: str
) -> None:
    """The message names the file, its columns, and how to map one."""
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")

    with pytest.raises(ConfigError, match=told):
        list(_source(tmp_path, **options).partitions(1_000))


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """Which of the two is meant, nobody knows."""
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    pq.write_table(table, tmp_path / "a.parquet")

    with pytest.raises(ConfigError, match="has 2 columns named 'text'"):
        list(_source(tmp_path).partitions(1_000))


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ({"id": ["a"], "text": ["b"], "n": [0.5]}, "holds int64 in .*a.parquet, but double in .*b.parquet"),
        ({"text": ["b"], "n": [1]}, "only one of .*a.parquet and .*b.parquet has an id column"),
        ({"id": ["a"], "body": ["b"], "n": [1]}, "b.parquet has no column 'text'"),
    ],
)
def test_files_must_agree(tmp_path: Path, second: dict[str, object], told: str) -> None:
    """One dataset has one schema: files that do not fit together are refused before the work."""
    pq.write_table(pa.table({"id": ["a"], "text": ["b"], "n": [1]}), tmp_path / "a.parquet")
    pq.write_table(pa.table(second), tmp_path / "b.parquet")

    with pytest.raises(ConfigError, match=told):
        list(_source(tmp_path, keep=["n"]).partitions(1_000))


@pytest.mark.fault(
    "source",
    "a Parquet file is cut short",
    promise="Refused when the run is planned; the message names the file.",
)
@pytest.mark.parametrize("size", [0, 3, 1_000, -1])
def test_a_truncated_file_is_named(tmp_path: Path, size: int) -> None:
    """A footer that is not there is found when planning."""
    whole = _write(tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "whole.parquet").unlink()
    (tmp_path / "cut.parquet").write_bytes(whole[:size])

    with pytest.raises(SourceError, match=r"cut.parquet is not a complete Parquet file: it may be truncated"):
        list(_source(tmp_path).partitions(1_000))


@pytest.mark.fault(
    "source",
    "pages of a Parquet file are damaged",
    promise="The shard fails and names the file and the row group.",
)
def test_damaged_pages_are_named_by_row_group(tmp_path: Path) -> None:
    """A file with a good footer and bad pages fails where it is bad, saying which rows these are."""
    path = _write(tmp_path / "a.parquet")
    chunk = pq.ParquetFile(path).metadata.row_group(3).column(1)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data = bytearray(path.read_bytes())
    data[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(data)
    source = _source(path)
    (partition,) = source.partitions(1 << 40)

    with pytest.raises(
        SourceError, match=r"a.parquet is damaged in row group 3, which holds the rows 30 to 39"
    ) as caught:
        list(source.read(partition))
    assert "\n" not in str(caught.value)


REPEATED = "word " * 60_000


@pytest.mark.fault(
    "load",
    "a Parquet file that stores a long value once for many rows",
    promise="The number of rows decoded together depends on the size of their values, not on their size in the file.",
)
@pytest.mark.parametrize(
    ("column", "value", "kind", "encoding"),
    [
        ("text", REPEATED, pa.string(), None),
        ("text", REPEATED, pa.large_string(), None),
        ("text", REPEATED, pa.string(), "DELTA_BYTE_ARRAY"),
        ("k.v", REPEATED, pa.string(), None),
        ("k.v", REPEATED.encode(), pa.binary(), None),
        ("k.v", [{"a": REPEATED, "n": 1}], pa.list_(pa.struct([("a", pa.string()), ("n", pa.int64())])), None),
        ("k.v", [{"key": "k", "value": REPEATED}], pa.map_(pa.string(), pa.string()), None),
        ("k.v", [REPEATED], pa.list_(pa.string()), None),
        ("k.v", f'"{REPEATED}"', pa.json_(), None),
        ("k.v", [0.0] * 75_000, pa.list_(pa.float32(), 75_000), None),
        ("k.v", REPEATED.encode(), pa.binary(len(REPEATED)), None),
    ],
    ids=["text", "large text", "delta", "string", "binary", "nested", "map", "list", "json", "numbers", "fixed"],
)
def test_long_values_that_a_file_stores_once_are_decoded_a_few_at_a_time(
    tmp_path, monkeypatch, column, value, kind, encoding
):
    """400 rows of 300 kB are 120 MB, in a file of a few kilobytes: no batch has more than 64 MB, and no row is lost."""
    rows = 400
    pairs = [[(pair["key"], pair["value"]) for pair in value]] if pa.types.is_map(kind) else [value]
    first = [[]] if kind == pa.list_(pa.string()) else pairs
    repeated = pa.concat_arrays([pa.array(first, kind), *[pa.array(pairs, kind)] * (rows - 1)])
    table = pa.table({"id": [str(row) for row in range(rows)], "text": ["short"] * rows} | {column: repeated})
    coding = {"column_encoding": {column: encoding}, "use_dictionary": False} if encoding else {}
    pq.write_table(table, tmp_path / "a.parquet", store_schema=False, **coding)
    assert (tmp_path / "a.parquet").stat().st_size < 2_000_000
    sizes, read = [], pq.ParquetFile.iter_batches

    def measured(self, *arguments, **options):
        for batch in read(self, *arguments, **options):
            sizes.append(batch.nbytes)
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", measured)
    source = _source(tmp_path / "a.parquet", keep=[] if column == "text" else [column])
    found = 0
    for batch in (batch for part in source.partitions(1 << 30) for batch in source.read(part)):
        assert batch.column(column)[-1].as_py() == value
        found += batch.num_rows
    assert found == rows
    assert max(sizes) <= parquet_format.MOST * 1.1


def test_short_values_that_a_file_stores_once_are_decoded_together(tmp_path, monkeypatch):
    """A column of languages or of tags makes no small batches, nor does one long text among short ones many."""
    rows = 20_000
    table = {
        "id": [str(row) for row in range(rows)],
        "text": [f"a text of its own, number {row} " * 5 for row in range(rows - 1)] + ["long " * 20_000],
        "language": ["en", "de"] * (rows // 2),
        "tags": [["one tag", f"tag {row % 5000}"] for row in range(rows)],
    }
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    source = _source(tmp_path / "a.parquet", keep=["language", "tags"])
    batches = [batch for part in source.partitions(1 << 30) for batch in source.read(part)]
    assert sum(batch.num_rows for batch in batches) == rows
    assert len(batches) <= rows // 500
