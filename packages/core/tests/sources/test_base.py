"""What sources share: wrong options are refused, parts are even, and a partition is found again or refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vecmill.errors import SourceError
from vecmill.sources import JsonlSource
from vecmill.sources.base import SourceConfig, limit_units, parts, row_units

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"limit": 0}, "greater than 0"),
        ({"limit": True}, "valid integer"),
        ({"limit": 10**30}, "less than 9223372036854775808"),
        ({"columns": {"body": "text"}}, "'id', 'text', 'url' or 'title'"),
        ({"columns": {"text": ""}}, "text must name a column"),
        ({"keep": ["title"]}, "title: the dataset has a column of that name already"),
        ({"keep": ["lang", "lang"]}, "named twice"),
        ({"keep": ["Text"]}, "'Text' and the dataset's column 'text' differ in case alone"),
        ({"keep": ["Lang", "lang"]}, "'lang' and the dataset's column 'Lang' differ in case alone"),
        ({"keeps": ["lang"]}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, object], told: str) -> None:
    """Each says what is allowed."""
    with pytest.raises(ValidationError, match=told):
        SourceConfig(**options)


SIZES = st.lists(st.integers(0, 1_000), max_size=60)
BLOCKS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 1_000)), max_size=20)


@settings(deadline=None)
@given(SIZES, st.integers(1, 2_000))
def test_parts_follow_each_other_and_leave_nothing_out(sizes: list[int], target: int) -> None:
    """Joined, the parts are the whole, in order; none is empty."""
    found = list(parts(sizes, target))

    assert [index for start, stop in found for index in range(start, stop)] == list(range(len(sizes)))
    assert all(start < stop for start, stop in found)


@settings(deadline=None)
@given(SIZES, st.integers(1, 2_000))
def test_no_part_is_larger_than_the_target_and_one_size(sizes: list[int], target: int) -> None:
    """A part goes over the target by less than the largest size."""
    found = list(parts(sizes, target))

    assert all(sum(sizes[start:stop]) <= target + max(sizes) for start, stop in found)


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(1, 1_000))
def test_equal_sizes_make_equal_parts(count: int, target: int) -> None:
    """Of units of one size, no part gets two more than another."""
    lengths = [stop - start for start, stop in parts([10] * count, target)]

    assert max(lengths) - min(lengths) <= 1


def test_units_without_bytes_are_one_part() -> None:
    """Where nothing is known of sizes, nothing is split."""
    assert list(parts([0, 0, 0], 10)) == [(0, 3)]


@settings(deadline=None)
@given(BLOCKS, st.integers(1, 500))
def test_row_units_keep_rows_and_bytes(blocks: list[tuple[int, int]], target: int) -> None:
    """Splitting large blocks loses no row and no byte, and makes no empty unit."""
    units = list(row_units(0, blocks, target))

    assert [unit.start for unit in units] == [0, *(unit.stop for unit in units[:-1])][: len(units)]
    assert sum(unit.documents for unit in units) == sum(rows for rows, _ in blocks)
    assert sum(unit.bytes for unit in units) == sum(size for rows, size in blocks if rows)
    assert all(unit.documents == unit.stop - unit.start > 0 for unit in units)


def test_a_large_block_is_split() -> None:
    """One row group of many times the target becomes many units, so that workers can share it."""
    units = list(row_units(0, [(1_000, 100_000)], 10_000))

    assert [unit.documents for unit in units] == [100] * 10


@settings(deadline=None)
@given(BLOCKS, st.integers(1, 300))
def test_a_limit_is_met_exactly(blocks: list[tuple[int, int]], limit: int) -> None:
    """Limited units hold so many rows, or all there are, and begin as the unlimited do."""
    whole = list(row_units(0, blocks, 100))
    units = list(limit_units(whole, limit))

    assert sum(unit.documents for unit in units) == min(limit, sum(rows for rows, _ in blocks))
    assert units[:-1] == whole[: max(0, len(units) - 1)]
    assert all(unit.documents > 0 for unit in units)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder with three thousand files of a document each."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3_000):
        (folder / f"an-article-with-a-rather-long-name-{number:05}.jsonl").write_text('{"text": "word"}\n')
    return folder


def _source(path: Path) -> JsonlSource:
    return JsonlSource(JsonlSource.Config(path=str(path)))


def test_where_is_small_for_thousands_of_files(many: Path) -> None:
    """A task stays under four kilobytes, however many files its partition spans, and finds them all."""
    partitions = list(_source(many).partitions(1 << 20))
    ids = [id_ for batch in _source(many).read(partitions[0]) for id_ in batch.column("id").to_pylist()]

    assert [partition.documents for partition in partitions] == [3_000]
    assert ids == [str(number) for number in range(3_000)]
    assert len(partitions[0].model_dump_json()) < 4_096


def test_a_file_added_elsewhere_changes_no_partition(many: Path) -> None:
    """A worker looks at its own files; what else comes into the folder is the next run's."""
    *_, last = _source(many).partitions(2_000)
    before = [batch.to_pylist() for batch in _source(many).read(last)]
    (many / "a-new-first.jsonl").write_text('{"text": "new"}\n')

    assert [batch.to_pylist() for batch in _source(many).read(last)] == before


@pytest.mark.fault(
    "source",
    "a file changes between plan and worker",
    promise="Refused by name.",
)
@pytest.mark.parametrize("change", ["grow", "touch", "remove"])
def test_a_file_that_changed_since_the_plan_is_refused(tmp_path: Path, change: str) -> None:
    """Content planned and content read are the same, or the shard fails with the file's name."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one"}\n')
    (tmp_path / "b.jsonl").write_text('{"text": "two"}\n')
    (partition,) = _source(tmp_path).partitions(1 << 20)
    if change == "grow":
        path.write_text('{"text": "one"}\n{"text": "more"}\n')
    elif change == "touch":
        os.utime(path, ns=(1, 1))
    else:
        path.unlink()

    with pytest.raises(SourceError, match=r"a.jsonl.* changed during the run"):
        list(_source(tmp_path).read(partition))


def test_a_renewed_partition_is_read_where_its_files_are_now(tmp_path: Path) -> None:
    """All its files count, wherever they are in the list; before it is renewed, they are others."""
    for folder in ("then", "now"):
        (tmp_path / folder).mkdir()
        for number in range(20):
            (tmp_path / folder / f"{number:02}.jsonl").write_text(f'{{"text": "document {number}"}}\n')
    then, now = _source(tmp_path / "then"), _source(tmp_path / "now")
    planned = list(then.partitions(100))
    renewed = [now.renew(partition) for partition in planned]

    assert all(sum(rows.num_rows for rows in then.read(partition)) > 1 for partition in planned)
    assert len(planned) > 2
    assert [partition.where for partition in renewed] == [partition.where for partition in planned]
    for partition, again in zip(planned, renewed, strict=True):
        with pytest.raises(SourceError, match="changed during the run"):
            list(now.read(partition.model_copy(update={"seen": partition.seen.partition(".")[0]})))
        assert list(_source(tmp_path / "now").read(again)) == list(then.read(partition))


def test_a_source_without_documents_is_refused(tmp_path: Path) -> None:
    """An empty corpus is a mistake, not a dataset."""
    (tmp_path / "a.jsonl").write_text("\n\n")

    with pytest.raises(SourceError, match=r"holds no documents: a.jsonl"):
        list(_source(tmp_path).partitions(1_000))


@pytest.mark.fault(
    "modal",
    "containers see other times of a source's file than the driver, or a file is changed during the run",
    promise="There vecmill compares sizes and hashes of the content, not times: the run continues, or a shard fails "
    "with the file's name.",
)
def test_in_a_shared_folder_content_counts_and_no_time_does(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine's clock is no change; another content is, though its size is the same."""
    monkeypatch.setenv("VECMILL_SHARED", f"/mnt/elsewhere{os.pathsep}{tmp_path}")
    first, *_ = _source(many).partitions(200)
    rows = [batch.to_pylist() for batch in _source(many).read(first)]
    names = sorted(many.iterdir())
    for name in names[:20]:
        os.utime(name, ns=(1, 1))
    assert [batch.to_pylist() for batch in _source(many).read(first)] == rows

    names[0].write_text('{"text": "wore"}\n')
    with pytest.raises(SourceError, match="changed during the run"):
        list(_source(many).read(first))


def test_elsewhere_a_time_counts(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of this machine alone is not hashed for it, nor is one whose name begins as a shared one's does."""
    monkeypatch.setenv("VECMILL_SHARED", str(tmp_path / "man"))
    first, *_ = _source(many).partitions(200)
    os.utime(min(many.iterdir()), ns=(1, 1))
    with pytest.raises(SourceError, match="changed during the run"):
        list(_source(many).read(first))
