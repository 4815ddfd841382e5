"""A window's rows, however large what its documents have once."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest

from vecmill.records import Document, Output, Span
from vecmill.store import parquet as shard
from vecmill.worker.reading import Rejected
from vecmill.worker.window import Window, build_quarantine_tables, build_shard_tables, count_utf8_bytes

DOCUMENTS, CHUNKS, DIMENSION = 30, 40, 4
LARGE = "x" * 100_000


def window(title=""):
    """Return a window of documents with many chunks each."""
    made = Window()
    for number in range(DOCUMENTS):
        text = "".join(chr(97 + number % 26) for _ in range(CHUNKS))
        spans = [Span(start, start + 1, 1) for start in range(CHUNKS)]
        made.add(Document(str(number), text, title=title), number + 1, spans, "")
    return made


def tables(made, source, good=None):
    """Yield the tables of a window whose vectors are its chunks' numbers."""
    vectors = np.repeat(np.arange(len(made), dtype=np.float32), DIMENSION).reshape(-1, DIMENSION)
    everyone = np.ones(DOCUMENTS, np.bool_)
    output = Output(dimension=DIMENSION, normalized=False, similarity="dot")
    return build_shard_tables(
        made, source, np.ones(len(made), np.int64), vectors, everyone if good is None else good, output
    )


def source(kind=None, make=lambda text: text):
    """Return a column of large values, a row more on each side than the window has."""
    values = [make(f"{number}{LARGE}") for number in range(DOCUMENTS + 2)]
    return pa.Table.from_batches(
        [pa.record_batch({"page": pa.array(values[at : at + 8], kind)}) for at in range(0, 32, 8)]
    )


@pytest.mark.fault(
    "load",
    "an extra column has values of 300 kB",
    promise="They are held once for each document; the bytes written at a time are limited.",
)
@pytest.mark.parametrize(
    ("kind", "make"),
    [
        (pa.string(), str),
        (pa.large_string(), str),
        (pa.binary(), str.encode),
        (pa.list_(pa.string()), lambda text: [text[:9], text[9:]]),
        (pa.struct([("html", pa.string())]), lambda text: {"html": text}),
    ],
)
def test_large_values_are_copied_for_a_row_group_at_a_time(monkeypatch, kind, make):
    """1,200 rows of 100 kB: never more than a few row groups' bytes are allocated, and all rows are right."""
    monkeypatch.setattr(shard, "GROUP_BYTES", 5e6)
    made, kept = window(), source(kind, make)
    before = pa.total_allocated_bytes()
    first = most = 0
    for table in tables(made, kept):
        most = max(most, pa.total_allocated_bytes() - before)
        assert table.schema.field("page").type == kind
        rows = range(first, first + table.num_rows)
        assert table.column("page").to_pylist() == [make(f"{row // CHUNKS + 1}{LARGE}") for row in rows]
        assert [vector[0] for vector in table.column("embedding").to_pylist()] == list(rows)
        first += table.num_rows
    assert first == len(made)
    assert most < 20e6, "120 MB, if each chunk had its own"


def test_a_title_of_a_megabyte_is_no_reason_to_build_all_rows_at_once(monkeypatch):
    """What is ours is weighed as what is carried along."""
    monkeypatch.setattr(shard, "GROUP_BYTES", 5e6)
    found = [table.nbytes for table in tables(window("t" * 1_000_000), pa.table({}))]
    assert max(found) < 6e6
    assert sum(found) > DOCUMENTS * CHUNKS * 1e6


def test_documents_that_are_not_good_are_left_out_with_what_they_carry():
    """The rows of the others keep their own values."""
    good = np.arange(DOCUMENTS) % 3 == 0
    table = pa.concat_tables(tables(window(), source(pa.string()), good))
    owners = [str(number) for number in np.flatnonzero(good) for _ in range(CHUNKS)]
    assert table.column("id").to_pylist() == owners
    assert [page[:-100_000] for page in table.column("page").to_pylist()] == [str(int(id_) + 1) for id_ in owners]


def test_no_good_document_makes_no_table():
    """A window of which nothing is left leaves no row group."""
    assert [*tables(window(), source(pa.string()), np.zeros(DOCUMENTS, np.bool_))] == []


def test_quarantined_texts_are_written_by_their_bytes(monkeypatch):
    """Large documents that are set aside come in several row groups, in order."""
    monkeypatch.setattr(shard, "GROUP_BYTES", 5e6)
    rejected = [Rejected("null id", "the id is null", text="é" * (1_000_000 if n == 7 else 10)) for n in range(20)]
    rejected += [Rejected("null id", "the id is null", text="x" * 3_000_000) for _ in range(5)]
    found = [*build_quarantine_tables(rejected)]
    assert max(table.nbytes for table in found) < 11e6
    assert pa.concat_tables(found).column("text").to_pylist() == [row.text for row in rejected]


@pytest.mark.parametrize("letter", ["a", "é", "λ", "文", "😀"])
def test_a_long_text_is_counted_without_a_copy(letter):
    """Its bytes are those of UTF-8, and what is encoded meanwhile is a few megabytes."""
    text = letter * 9_000_000
    tracemalloc.start()
    size = count_utf8_bytes(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == len(letter.encode()) * len(text)
    assert peak <= 10_000_000
