"""Tests of vecmill_publishers.parquet: a dataset in a folder, as jobs and commands have it."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

import vecmill
from small_dataset import small_job
from vecmill.errors import PublishError
from vecmill.testing import check_delivery, check_publisher
from vecmill_publishers.parquet import ParquetPublisher


@pytest.fixture
def publisher(tmp_path):
    """Make a publisher for a folder of the test's own."""
    return lambda **options: ParquetPublisher(ParquetPublisher.Config(path=str(tmp_path / "copy"), **options))


def test_it_is_a_publisher(publisher, made):
    """It keeps the protocol."""
    assert check_publisher(publisher(), made).endswith("/copy")


def test_it_keeps_to_its_own_things(publisher, made, tmp_path):
    """Strangers refused, nothing old left, damage refused: as every publisher has to."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "README.md").write_text("# Mine")

    def rows():
        table = pq.read_table(tmp_path / "copy" / "data")
        return zip(table["id"].to_pylist(), table["chunk_index"].to_pylist(), strict=True)

    def theirs():
        return {path: path.read_bytes() for path in (tmp_path / "theirs").rglob("*") if path.is_file()}

    occupied = ParquetPublisher(ParquetPublisher.Config(path=str(tmp_path / "theirs")))
    check_delivery(publisher(), made, rows, occupied, theirs)


def test_a_second_folder_of_a_job_follows_the_first(tmp_path, made):
    """A corpus that shrinks leaves the rows of the new run in both, and nobody is asked about the copy."""
    places = [{"name": "parquet", "path": str(tmp_path / name)} for name in ("out", "copy")]
    for documents in (40, 8):
        dataset = vecmill.run(small_job(tmp_path, documents, "a", places), overwrite=True)
        assert dataset.published == (str(tmp_path / "out"), str(tmp_path / "copy"))
        for name in ("out", "copy"):
            found = vecmill.verify(tmp_path / name)
            assert (found.ok, found.manifest.account.documents_in) == (True, documents)


def test_a_second_folder_that_is_a_strangers_is_refused_before_the_work(tmp_path):
    """Nothing is embedded for a dataset that could not be delivered."""
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "README.md").write_text("# Mine")
    places = [{"name": "parquet", "path": str(tmp_path / name)} for name in ("out", "copy")]
    with pytest.raises(PublishError, match=r"holds no run of vecmill \(it has README.md\): choose another folder"):
        vecmill.run(small_job(tmp_path, 8, "a", places))
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "copy" / "README.md").read_text() == "# Mine"


def test_the_same_folder_twice_in_a_job_is_one(tmp_path):
    """However it is written."""
    for name in ("out", "x"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    places = [{"name": "parquet", "path": str(tmp_path / name)} for name in ("out", "x/../out", "link")]
    dataset = vecmill.run(small_job(tmp_path, 8, "a", places))
    assert vecmill.verify(tmp_path / "out").ok
    assert not (dataset.path / ".vecmill.mirror.json").exists()


def test_what_keeps_a_folder_from_being_used_is_an_error_of_publishing(publisher, made, other, tmp_path):
    """Of each of its methods; with force another dataset is replaced."""
    publisher().publish(made.path, made.manifest)
    for act in (publisher().publish, lambda *of: list(publisher().preview(*of))):
        with pytest.raises(PublishError, match="publish with force = true"):
            act(other.path, other.manifest)
    publisher(force=True).publish(other.path, other.manifest)
    assert vecmill.open_dataset(tmp_path / "copy").manifest.run_id == other.manifest.run_id
