"""Extra columns come with their documents."""

import pyarrow as pa
import pytest

from vecmill.errors import SourceError
from vecmill.records import ComponentSpec, Partition, ShardTask, WorkSpec
from vecmill.sources.batches import dump
from vecmill.worker.reading import ExtraColumns

PART = ComponentSpec(name="x", options={})


def kept(*fields):
    """Return the columns of a shard of which the plan says that it has these."""
    spec = WorkSpec(
        run_id="r",
        directory="/d",
        source=PART,
        chunker=PART,
        batching=PART,
        embedder=PART,
        keep=dump([pa.field(*field) for field in fields]),
    )
    return ExtraColumns(ShardTask(spec=spec, index=3, count=4, partition=Partition(where={})))


def test_rows_get_the_columns_of_the_plan():
    """In its order and its types, however a batch holds them; a shard without rows has them, too."""
    columns = kept(("year", pa.int64()), ("lang", pa.string()))
    batch = pa.record_batch(
        {
            "id": ["1", "2"],
            "lang": pa.array(["a", None]).dictionary_encode(),
            "text": ["x", "y"],
            "year": pa.array([None, 1999], pa.int16()),
        }
    )
    found = columns.of(batch)
    assert found.schema == pa.schema(columns.fields)
    assert found.to_pylist() == [{"year": None, "lang": "a"}, {"year": 1999, "lang": None}]
    assert kept().of(batch.select(["id", "text"])).num_columns == 0


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"year": ["soon"]}, "the column 'year' holds string in shard 3, and int64 in the first rows"),
        ({"age": [1]}, "shard 3 has the extra columns age, and the first rows of the corpus have year"),
        ({"id": ["1"]}, "shard 3 has the extra columns none"),
    ],
)
def test_a_source_that_gives_others_is_told(columns, told):
    """A dataset whose files disagree would be refused by its readers: the shard fails, with what to do."""
    with pytest.raises(SourceError, match=told):
        kept(("year", pa.int64())).of(pa.record_batch(columns))
