"""Quarantines of shards are joined, whatever their size."""

import pyarrow.parquet as pq
import pytest

from vecmill.job import publish as account
from vecmill.records import Account, FileEntry, Receipt, Reused
from vecmill.store.layout import Layout
from vecmill.store.parquet import QUARANTINE, parquet_file
from vecmill.worker.reading import Rejected
from vecmill.worker.window import build_quarantine_tables


@pytest.fixture
def receipts(tmp_path):
    """Make receipts of shards that have set these texts aside."""

    def make(*shards):
        layout = Layout(tmp_path)
        for index, texts in enumerate(shards):
            with parquet_file(layout, layout.shard_quarantine(index), QUARANTINE) as parquet:
                for table in build_quarantine_tables(
                    Rejected("null id", "the id is null", text=text) for text in texts
                ):
                    parquet.write_group(table)
            entry = parquet.file_entry()
            yield Receipt(run_id="r", index=index, shard=entry, quarantine=entry, account=Account())

    return make


def test_large_texts_are_held_a_few_at_a_time(tmp_path, receipts, monkeypatch):
    """No row group is larger than twice the bound, however few its rows; none is lost, in order."""
    texts = [[f"{shard}-{n}" * (20_000 if n % 5 == 0 else 1) for n in range(60)] for shard in range(3)]
    made = [*receipts(*texts)]
    monkeypatch.setattr(account, "GROUP_BYTES", 300_000)
    monkeypatch.setattr("vecmill.store.parquet.GROUP_BYTES", 300_000)
    entry = account.merge_quarantine(Layout(tmp_path), made)
    file = pq.ParquetFile(tmp_path / entry.path)
    assert file.read().column("text").to_pylist() == [text for shard in texts for text in shard]
    sizes = [file.read_row_group(group).nbytes for group in range(file.num_row_groups)]
    assert len(sizes) > 6
    assert max(sizes) < 600_000


def test_short_texts_are_joined_a_thousand_at_a_time(tmp_path, receipts):
    """Row groups as they always were."""
    entry = account.merge_quarantine(Layout(tmp_path), [*receipts(["x"] * 1500, ["y"] * 3)])
    groups = pq.read_metadata(tmp_path / entry.path)
    assert [groups.row_group(group).num_rows for group in range(groups.num_row_groups)] == [1024, 476, 3]


def reuse(chunks, run=""):
    """Return the receipt of a shard that has so many vectors of a run."""
    entry = FileEntry(path="data/x.parquet", rows=1, bytes=1, sha256="")
    return Receipt(run_id="r", index=0, shard=entry, account=Account(), reused_chunks=chunks, reused_from=run)


@pytest.mark.parametrize(
    ("receipts", "told"),
    [
        ([], None),
        ([reuse(0)], None),
        ([reuse(0, "a"), reuse(0)], Reused(run_id="a", chunks=0)),
        ([reuse(5, "a"), reuse(0), reuse(2, "a")], Reused(run_id="a", chunks=7)),
        ([reuse(5, "a"), reuse(3, "b"), reuse(3, "b")], Reused(run_id="b", chunks=11, runs={"b": 6, "a": 5})),
        ([reuse(4)], Reused(run_id="unknown", chunks=4)),
    ],
    ids=["no shards", "nothing", "none found", "one run", "two runs", "receipts of before"],
)
def test_receipts_say_what_was_reused_of_which_run(receipts, told):
    """Whatever command finishes a run, and whatever runs its shards took vectors of."""
    assert account.sum_reused(receipts) == told
