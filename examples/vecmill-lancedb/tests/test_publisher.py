"""What the publisher promises, at a real LanceDB."""

import subprocess
import sys

import lancedb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vecmill.errors import PublishError
from vecmill.testing import check_delivery, check_publisher
from vecmill_lancedb import LanceDBPublisher


@pytest.fixture
def rows(tmp_path):
    """Read the table's rows as its readers do now."""
    return lambda: lancedb.connect(tmp_path / "db").open_table("notes").to_arrow()


def test_it_is_a_publisher(publisher, dataset):
    """It keeps the protocol: says where the table is, twice the same, and leaves the dataset alone."""
    place = check_publisher(publisher(), dataset)
    assert place.endswith("/db/notes.lance")


def test_it_keeps_to_its_own_things(publisher, dataset, rows, tmp_path):
    """Strangers refused, no old row left, damage refused: as every publisher has to."""
    theirs = lancedb.connect(tmp_path / "theirs").create_table("notes", [{"precious": 1}])

    def pairs():
        table = rows()
        return zip(table["id"].to_pylist(), table["chunk_index"].to_pylist(), strict=True)

    def content():
        theirs.checkout_latest()
        return theirs.version, theirs.to_arrow()

    occupied = LanceDBPublisher(LanceDBPublisher.Config(uri=str(tmp_path / "theirs"), table="notes"))
    check_delivery(publisher(), dataset, pairs, occupied, content)


@pytest.mark.parametrize("name", ["thesis.tex", "data.txt", ""])
def test_a_folder_that_is_no_table_is_left_alone(publisher, dataset, tmp_path, name):
    """LanceDB itself would write into a folder of that name. It is refused with force too; so is a file."""
    place = tmp_path / "db" / "notes.lance"
    (place / name).parent.mkdir(parents=True)
    (place / name).write_text("years of work")
    for options in ({}, {"force": True}):
        for act in (publisher(**options).check, lambda made=options: publish(publisher(**made), dataset)):
            with pytest.raises(PublishError, match=r"notes\.lance"):
                act()
    assert [path.read_text() for path in place.parent.rglob("*") if path.is_file()] == ["years of work"]


def publish(publisher, dataset):
    """Publish a dataset."""
    publisher.publish(dataset.path, dataset.manifest)


def test_rows_that_somebody_added_are_not_replaced(publisher, dataset, make_dataset, rows, tmp_path):
    """They are somebody's work, unless force = true says otherwise."""
    publish(publisher(), dataset)
    table = lancedb.connect(tmp_path / "db").open_table("notes")
    table.add(table.to_arrow().slice(0, 3))
    other = make_dataset(20)
    for act in (publisher().check, lambda: publish(publisher(), other), lambda: publish(publisher(), dataset)):
        with pytest.raises(PublishError, match="rows that vecmill did not publish"):
            act()
    assert rows().num_rows == dataset.account.chunks + 3
    publish(publisher(force=True), other)
    assert rows().num_rows == other.account.chunks


def test_a_manifest_that_cannot_be_read_is_a_strangers(publisher, dataset, tmp_path):
    """One of a later version, say."""
    rows = pa.table({"id": ["1"]}).replace_schema_metadata({"vecmill.manifest": "{}"})
    lancedb.connect(tmp_path / "db").create_table("notes", rows)
    with pytest.raises(PublishError, match="rows that vecmill did not publish"):
        publisher().check()


def test_every_row_arrives_as_it_is_in_the_dataset(publisher, dataset, rows):
    """All columns, in order, vectors bit for bit."""
    publisher().publish(dataset.path, dataset.manifest)
    expected = pq.read_table(dataset.path / "data")
    assert len(dataset.manifest.shards) > 3
    assert rows().select(expected.column_names).cast(expected.schema).equals(expected)


def test_a_finished_publication_writes_nothing(publisher, dataset, tmp_path):
    """A rerun leaves the table at its version, and a preview has nothing to say."""
    table = lancedb.connect(tmp_path / "db")
    assert "write" in next(publisher().preview(dataset.path, dataset.manifest))
    assert not (tmp_path / "db" / "notes.lance").exists()
    publisher().publish(dataset.path, dataset.manifest)
    before = table.open_table("notes").version
    publisher().publish(dataset.path, dataset.manifest)
    assert table.open_table("notes").version == before
    assert not list(publisher().preview(dataset.path, dataset.manifest))


def test_a_refresh_replaces_the_rows_and_a_failed_one_leaves_them(publisher, dataset, make_dataset, rows):
    """Another run's rows take the place of the first one's; a damaged shard is named before anything is written."""
    other = make_dataset(20)
    publisher().publish(dataset.path, dataset.manifest)
    last = other.path / other.manifest.shards[-1].path
    content = last.read_bytes()
    last.write_bytes(content[:-1] + b"?")
    with pytest.raises(PublishError, match=rf"{last.name} is missing, changed or damaged: .*Run its job again"):
        publisher().publish(other.path, other.manifest)
    assert rows().num_rows == dataset.account.chunks
    last.write_bytes(content)
    publisher().publish(other.path, other.manifest)
    assert rows().num_rows == other.account.chunks


def test_rows_that_somebody_removed_come_back(publisher, dataset, rows, tmp_path):
    """A table that lacks rows of its manifest is written again."""
    publisher().publish(dataset.path, dataset.manifest)
    lancedb.connect(tmp_path / "db").open_table("notes").delete("chunk_index = 0")
    publisher().publish(dataset.path, dataset.manifest)
    assert rows().num_rows == dataset.account.chunks


def test_a_large_table_has_an_index_and_an_interrupted_one_gets_it(publisher, dataset, tmp_path):
    """From ``index_rows`` rows on; also when the rows were there and the index was not."""
    publisher().publish(dataset.path, dataset.manifest)
    table = lancedb.connect(tmp_path / "db").open_table("notes")
    assert not list(table.list_indices())
    publisher(index_rows=256).publish(dataset.path, dataset.manifest)
    table.checkout_latest()
    (index,) = table.list_indices()
    assert (index.columns, index.num_unindexed_rows) == (["embedding"], 0)


def test_a_table_that_others_wrote_is_left_alone(publisher, dataset, rows, tmp_path):
    """Publishing to it is refused before the work, unless force = true says otherwise."""
    lancedb.connect(tmp_path / "db").create_table("notes", [{"precious": 1}])
    with pytest.raises(PublishError, match=r"rows that vecmill did not publish: choose another table.*force = true"):
        publisher().check()
    forced = publisher(force=True)
    forced.check()
    forced.publish(dataset.path, dataset.manifest)
    assert rows().num_rows == dataset.account.chunks


def test_a_place_that_cannot_be_written_is_refused_before_the_work(publisher, tmp_path):
    """A file stands where the database should be."""
    (tmp_path / "db").write_text("not a folder")
    with pytest.raises(PublishError, match="db is not a folder that can be written: choose another uri"):
        publisher().check()


KILLED = """
import os, sys
from vecmill.store.files import finished_manifest
from vecmill.store.layout import Layout
from vecmill_lancedb import LanceDBPublisher
from pathlib import Path

dataset, uri = map(Path, sys.argv[1:])
publisher = LanceDBPublisher(LanceDBPublisher.Config(uri=str(uri), table="notes"))
publisher.report = lambda event: os._exit(9) if event.done > event.bytes / 2 else None
publisher.publish(dataset, finished_manifest(Layout(dataset)))
"""


def test_a_killed_publication_shows_readers_nothing_and_the_next_one_is_whole(
    publisher, dataset, make_dataset, rows, tmp_path
):
    """Killed half way, first with no table there and then with an older one."""
    other = make_dataset(20)

    def kill(made):
        done = subprocess.run([sys.executable, "-c", KILLED, made.path, tmp_path / "db"], check=False)
        assert done.returncode == 9

    kill(dataset)
    with pytest.raises(ValueError, match="not found"):
        rows()
    publisher().publish(other.path, other.manifest)
    kill(dataset)
    assert rows().num_rows == other.account.chunks
    publisher().publish(dataset.path, dataset.manifest)
    assert rows().num_rows == dataset.account.chunks
