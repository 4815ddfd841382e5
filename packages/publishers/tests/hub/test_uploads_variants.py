"""Further configurations with smaller vectors."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import vecmill
from small_dataset import small_job
from vecmill.errors import StoreError
from vecmill.store.vectors import check_variant
from vecmill_publishers.hub.uploads import Upload
from vecmill_publishers.hub.uploads import make_variant as make

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def vectors(table):
    """Return the vectors as one array."""
    return np.stack(table.column("embedding").to_numpy(zero_copy_only=False)).astype(np.float32)


@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_smaller_vectors_stand_beside_the_whole_ones(hub, publisher, made):
    """Same rows, same order; float16 and int8 are as near as they can be, and the card names each configuration."""
    publisher(vectors=["float16", "int8"]).publish(made.path, made.manifest)
    files = hub.find("dataset", "user/name").files("main")
    front = yaml.safe_load(files["README.md"].path.read_text().split("---\n")[1])
    assert [config["config_name"] for config in front["configs"]] == ["default", "float16", "int8"]
    tables = {}
    for config in front["configs"]:
        folder = config["data_files"][0]["path"].rpartition("/")[0]
        names = sorted(path for path in files if path.rpartition("/")[0] == folder)
        shards = [pq.read_table(io.BytesIO(files[path].path.read_bytes())) for path in names]
        tables[config["config_name"]] = pa.concat_tables(shards)
    whole, half, small = tables["default"], tables["float16"], tables["int8"]
    for table in (half, small):
        assert table.select(["id", "chunk_index", "text"]).equals(whole.select(["id", "chunk_index", "text"]))
    assert half.schema.field("embedding").type.value_type == pa.float16()
    assert np.array_equal(vectors(half), vectors(whole).astype(np.float16).astype(np.float32))
    scale = small.column("scale").to_numpy()[:, None]
    assert np.all(np.abs(vectors(small) * scale - vectors(whole)) <= scale * 0.5001)


@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_they_are_made_once_and_can_be_added_later(hub, publisher, made):
    """A rerun sends nothing; asking for one more sends that one alone."""
    publisher().publish(made.path, made.manifest)
    sent = len(hub.uploads)
    publisher(vectors=["float16"]).publish(made.path, made.manifest)
    more = len(hub.uploads)
    publisher(vectors=["float16"]).publish(made.path, made.manifest)
    assert sent < more == len(hub.uploads)
    assert complete_default(hub, made)


def complete_default(hub, dataset):
    """Whether the whole vectors are all there."""
    found = {blob.sha256 for blob in hub.find("dataset", "user/name").files("main").values()}
    return {entry.sha256 for entry in dataset.manifest.shards} <= found


def test_a_variant_is_the_same_file_every_time(made, tmp_path):
    """Byte for byte, so that sending it again is nothing new."""
    upload = Upload.of(made.path, made.manifest.shards[0], "data/run", "int8")
    first, second = (make(upload, tmp_path / name) for name in ("one", "two"))
    assert first.sha256 == second.sha256
    assert first.path == f"data/run/int8/{upload.local.name}"


def test_a_column_that_a_variant_would_have_twice_is_refused(hub, publisher, tmp_path):
    """Nothing is sent, by the driver or by a worker: no reader opens a file that has a column twice."""
    job = small_job(tmp_path, 4, "a", [{"name": "parquet", "path": str(tmp_path / "out")}])
    corpus = tmp_path / "a.jsonl"
    corpus.write_text(corpus.read_text().replace('"text"', '"scale": 1.5, "text"'))
    job = job.model_copy(
        update={"source": job.source.model_copy(update={"options": {**job.source.options, "keep": ["scale"]}})}
    )
    dataset = vecmill.run(job)
    publisher(vectors=["float16"]).publish(dataset.path, dataset.manifest)
    sent = len(hub.uploads)
    with pytest.raises(StoreError, match="come with a column 'scale', and the rows have one"):
        publisher(vectors=["int8"]).publish(dataset.path, dataset.manifest)
    with pytest.raises(StoreError, match="come with a column 'scale', and the rows have one"):
        make(Upload.of(dataset.path, dataset.manifest.shards[0], "data/run", "int8"), tmp_path)
    assert len(hub.uploads) == sent
    shard = dataset.path / dataset.manifest.shards[0].path
    assert "come with a column" in next(check_variant(shard, shard, "int8"))
