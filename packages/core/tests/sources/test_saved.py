"""SavedSource: what save_to_disk wrote is what is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from datasets import Dataset, DatasetDict, disable_progress_bars

from vecmill.errors import ConfigError, SourceError
from vecmill.sources.saved import SavedSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

disable_progress_bars()


def _dataset(rows: int = 50) -> Dataset:
    texts = ["", "naïve 漢字 \x00", None, "a\u0301"]
    columns = {"id": list(range(rows)), "text": [texts[row % 4] for row in range(rows)], "lang": ["en"] * rows}
    return Dataset.from_dict(columns)


def _source(path: Path, **options: object) -> SavedSource:
    return SavedSource(SavedSource.Config(path=str(path), **options))


@pytest.mark.parametrize("target", [1, 100, 1 << 40])
@pytest.mark.parametrize("limit", [None, 1, 20, 1_000])
def test_a_saved_dataset_comes_back(
    tmp_path: Path, read_all: Callable[..., pa.Table], target: int, limit: int | None
) -> None:
    """In the order of its files, with any target and limit."""
    dataset = _dataset()
    dataset.save_to_disk(tmp_path / "saved", num_shards=3)
    found = read_all(_source(tmp_path / "saved", limit=limit, keep=["lang"]), target)

    assert found["id"].to_pylist() == list(map(str, dataset["id"]))[:limit]
    assert found["text"].to_pylist() == dataset["text"][:limit]
    assert set(found["lang"].to_pylist()) == {"en"}


def test_a_shuffled_dataset_comes_back_shuffled(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """save_to_disk writes rows in the dataset's own order."""
    dataset = _dataset().shuffle(seed=1).select(range(30))
    dataset.save_to_disk(tmp_path / "saved")

    assert read_all(_source(tmp_path / "saved"))["id"].to_pylist() == list(map(str, dataset["id"]))


def test_a_split_is_chosen_by_name(tmp_path: Path, read_all: Callable[..., pa.Table]) -> None:
    """Of several splits one must be named; of one, none need be."""
    DatasetDict({"train": _dataset(), "test": _dataset(5)}).save_to_disk(tmp_path / "two")
    DatasetDict({"test": _dataset(5)}).save_to_disk(tmp_path / "one")

    assert read_all(_source(tmp_path / "two", split="test")).num_rows == 5
    assert read_all(_source(tmp_path / "one")).num_rows == 5
    for split in (None, "dev"):
        with pytest.raises(ConfigError, match=r'holds the splits train, test; choose one: split = "train"'):
            _source(tmp_path / "two", split=split).fingerprint()


def test_a_split_of_a_single_dataset_is_refused(tmp_path: Path) -> None:
    """There are none to choose from."""
    _dataset().save_to_disk(tmp_path / "saved")

    with pytest.raises(ConfigError, match="holds one dataset, without splits"):
        _source(tmp_path / "saved", split="train").fingerprint()


def test_another_folder_is_refused(tmp_path: Path) -> None:
    """A folder without a state was not saved by datasets, or not to its end."""
    with pytest.raises(ConfigError, match="is not a folder written by save_to_disk"):
        _source(tmp_path).fingerprint()


def test_a_dataset_without_rows_is_refused(tmp_path: Path) -> None:
    """The library saves one of no files at all."""
    Dataset.from_dict({"text": []}).save_to_disk(tmp_path / "saved")
    with pytest.raises(SourceError, match=r"holds no documents: it has no files$"):
        list(_source(tmp_path / "saved").partitions(1_000))


def test_an_indirect_order_is_refused(tmp_path: Path) -> None:
    """Old versions saved a row order beside the rows; reading past it would be another dataset."""
    _dataset().save_to_disk(tmp_path / "saved")
    state = json.loads((tmp_path / "saved" / "state.json").read_text())
    (tmp_path / "saved" / "state.json").write_text(
        json.dumps({**state, "_indices_data_files": [{"filename": "i.arrow"}]})
    )

    with pytest.raises(ConfigError, match="flatten_indices"):
        _source(tmp_path / "saved").fingerprint()


def test_a_broken_state_is_named(tmp_path: Path) -> None:
    """A state that cannot be read says which file, and that saving may have stopped."""
    (tmp_path / "state.json").write_text("{")

    with pytest.raises(SourceError, match=r"state.json cannot be read: .* may not be saved completely"):
        _source(tmp_path).fingerprint()


@pytest.mark.parametrize(
    ("size", "told"), [(10, "is not a complete Arrow file"), (-500, "truncated or damaged at row 0")]
)
def test_a_truncated_file_is_named(tmp_path: Path, size: int, told: str) -> None:
    """With the row after which it ends."""
    _dataset().save_to_disk(tmp_path / "saved")
    path = tmp_path / "saved" / "data-00000-of-00001.arrow"
    path.write_bytes(path.read_bytes()[:size])

    with pytest.raises(SourceError, match=rf"{path.name} .*{told}"):
        list(_source(tmp_path / "saved").partitions(1_000))


def test_batches_of_a_large_file_stay_small(tmp_path: Path) -> None:
    """A record batch of thousands of rows is cut before it is handed on."""
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink:
        batch = pa.record_batch({"text": ["x" * 5_000] * 5_000})
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": "a.arrow"}]}))
    source = _source(tmp_path)
    sizes = [found.num_rows for part in source.partitions(1 << 40) for found in source.read(part)]

    assert sizes == [1_000] * 5
