"""Tests of vecmill.worker.reading: windows are bounded by chunks and by bytes."""

import pyarrow.parquet as pq
import pytest

from vecmill import run, verify
from vecmill.worker import reading


def rows(count, **more):
    """Return documents of a few chunks with a column of 2 kB to carry along; every third has no text."""
    text = "A sentence that fills its chunk all by itself, with many words in it, and then some more of them.\n\n" * 3
    return [{"id": str(n), "text": None if n % 3 == 2 else text, "page": f"{n:05}" * 400} | more for n in range(count)]


@pytest.fixture
def windows(monkeypatch):
    """Note the bytes that each window holds of what is carried along, and its documents."""
    found = []
    whole = reading.Reading.windows

    def noted(self):
        for window, table in whole(self):
            found.append((len(window.documents), table.nbytes))
            yield window, table

    monkeypatch.setattr(reading.Reading, "windows", noted)
    return found


def kept(path, out):
    """Return what a job's source and publisher are."""
    return {
        "source": {"name": "jsonl", "path": str(path), "keep": ["page"]},
        "publish": [{"name": "parquet", "path": str(out)}],
        "max_quarantine": 1.0,
    }


def test_a_window_ends_where_its_bytes_are_enough(corpus, job, tmp_path, monkeypatch, windows):
    """With columns of 200 kB a window has a few documents, not thousands; the rows are the same."""
    monkeypatch.setattr("vecmill.sources.batches.BYTES", 20_000)
    path = corpus(*rows(300))
    few = run(job(path, **kept(path, tmp_path / "whole")))
    assert len(windows) == 1
    windows.clear()
    monkeypatch.setattr(reading, "WINDOW_BYTES", 60_000)
    many = run(job(path, **kept(path, tmp_path / "cut")))
    assert len(windows) >= 10
    assert max(size for _, size in windows) < 60_000 + 2 * 20_000
    assert min(documents for documents, _ in windows) > 0
    assert pq.read_table(many.path / "data").equals(pq.read_table(few.path / "data"))
    assert many.account == few.account
    assert verify(many.path).ok


def test_rows_that_are_set_aside_are_weighed_too(corpus, job, tmp_path, monkeypatch, windows):
    """What they carry is not held until some document fills the window."""
    monkeypatch.setattr("vecmill.sources.batches.BYTES", 20_000)
    monkeypatch.setattr(reading, "WINDOW_BYTES", 60_000)
    path = corpus(*rows(300, text=None), *rows(2))
    done = run(job(path, **kept(path, tmp_path / "out")))
    assert done.account.documents_embedded == 0 or windows
    assert max(size for _, size in windows) < 60_000 + 2 * 20_000
