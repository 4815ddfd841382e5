"""A plan: the columns of the dataset, and what a sample of the source shows."""

import json

import duckdb
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

import vecmill
from vecmill.chunking.windows import CharactersChunker
from vecmill.errors import ConfigError, SourceError
from vecmill.job.plan import sample_source
from vecmill.protocols import Source
from vecmill.records import ModelInfo, Output, Partition
from vecmill.store.files import sha256
from vecmill.testing import WordTokenizer

MODEL = ModelInfo(id="m", revision=None, dimension=8, max_tokens=512, pooling="mean", normalized=True)
CHUNKER = CharactersChunker(CharactersChunker.Config(), WordTokenizer(), MODEL)
BLANK, GOOD = "  ", "Some words about nothing much. " * 12


class Given(Source):
    """Partitions with the batches that a test names."""

    name = "given"

    def fingerprint(self):
        """Return anything."""
        return "x"

    def partitions(self, target_bytes):
        """One for each list of batches."""
        del target_bytes
        return (Partition(where={"part": part}) for part in range(len(self.config)))

    def read(self, partition):
        """Return its batches."""
        return iter(self.config[partition.where["part"]])


def test_every_shard_has_the_same_columns_whatever_is_in_it(job, tmp_path, monkeypatch):
    """A shard of which all is set aside, or whose column is all null: readers take the files as one table."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    count = 120
    rows = pa.table(
        {
            "id": [str(n) for n in range(count)],
            "text": [BLANK * 200 if n < count // 2 else f"{GOOD}{n}" for n in range(count)],
            "none": pa.nulls(count),
            "kind": pa.array([None if n < 100 else f"k{n % 3}" for n in range(count)]).dictionary_encode(),
            "pairs": pa.array([[("a", n)] for n in range(count)], pa.map_(pa.string(), pa.int64())),
            "view": pa.array([str(n) for n in range(count)], pa.string_view()),
        }
    )
    path = tmp_path / "corpus.parquet"
    pq.write_table(rows, path, row_group_size=10)
    keep = ["none", "kind", "pairs", "view"]
    source = {"name": "parquet", "path": str(path), "keep": keep}
    dataset = vecmill.run(job(path, source=source, max_quarantine=1, shards={"target_mb": 0.002}))
    shards = sorted((dataset.path / "data").iterdir())
    empty = [shard for shard in shards if not pq.read_metadata(shard).num_rows]
    assert 0 < len(empty) < len(shards)
    assert len({pq.read_schema(shard).serialize().to_pybytes() for shard in shards}) == 1
    assert vecmill.verify(dataset.path).ok

    chunks = dataset.account.chunks
    assert pads.dataset(dataset.path / "data").to_table().num_rows == chunks
    assert duckdb.sql(f"select count(*), max(view) from '{dataset.path}/data/*.parquet'").fetchall() == [(chunks, "99")]
    loaded = load_dataset(str(dataset.path), split="train")
    assert loaded.num_rows == chunks
    last = loaded[-1]
    assert [last[name] for name in keep] == [None, "k2", [{"key": "a", "value": 119}], "119"]

    _without(dataset.path, empty[-1], "kind")
    faults = vecmill.verify(dataset.path).faults
    assert [fault.problem for fault in faults if fault.path.startswith("data")] == [
        "column 'kind' is missing, and in the manifest it is string"
    ]


def _without(path, shard, column):
    """Take a column out of a shard, and have the manifest say that this is the shard."""
    pq.write_table(pq.read_table(shard).drop_columns([column]), shard)
    manifest = json.loads((path / "manifest.json").read_bytes())
    entry = next(entry for entry in manifest["shards"] if entry["path"].endswith(shard.name))
    entry |= {"bytes": shard.stat().st_size, "sha256": sha256(shard)}
    (path / "manifest.json").write_text(json.dumps(manifest))


def test_the_first_rows_there_are_tell_the_columns():
    """A part without rows is passed over; a corpus without any is refused."""
    rows = pa.record_batch({"id": ["1"], "text": ["x"], "kind": [1]})
    assert sample_source(Given([[], [rows]]), CHUNKER).keep == sample_source(Given([[rows]]), CHUNKER).keep != ""
    for nothing in ([], [[]]):
        with pytest.raises(SourceError, match="the source 'given' has no documents"):
            sample_source(Given(nothing), CHUNKER)


def test_a_column_that_would_pass_for_a_part_of_ours_is_refused():
    """Parquet names the numbers of a vector in this way."""
    rows = pa.record_batch({"id": ["1"], "text": ["x"], "embedding.list.element": [1]})
    with pytest.raises(ConfigError, match=r"'embedding\.list\.element' would collide with vecmill's own"):
        sample_source(Given([[rows]]), CHUNKER)


@pytest.mark.parametrize("name", ["meaning", "meaning.list.element"])
def test_a_column_with_the_name_of_the_models_output_is_refused(name):
    """Whatever the model calls it."""
    output = Output(name="meaning", dimension=8, normalized=True, similarity="cosine")
    model = ModelInfo(**MODEL.model_dump(exclude={"outputs"}), outputs=(output,))
    chunker = CharactersChunker(CharactersChunker.Config(), WordTokenizer(), model)
    rows = pa.record_batch({"id": ["1"], "text": ["x"], name: [1]})
    assert sample_source(Given([[rows]]), CHUNKER).keep
    with pytest.raises(ConfigError, match=rf"'{name}' would collide with vecmill's own"):
        sample_source(Given([[rows]]), chunker)


def test_what_no_file_can_hold_is_refused_before_any_work():
    """An object that is always empty has no columns, which Parquet cannot write."""
    rows = pa.record_batch({"id": ["1"], "text": ["x"], "kind": pa.array([{}], pa.struct([]))})
    with pytest.raises(ConfigError, match=r"source\.keep: the column 'kind' holds struct<>, which Parquet cannot"):
        sample_source(Given([[rows]]), CHUNKER)
