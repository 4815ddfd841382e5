"""Balance: partitions are contiguous, complete, and about as large as asked."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from vecmill.sources.partitions import limit_units, parts, row_units

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
