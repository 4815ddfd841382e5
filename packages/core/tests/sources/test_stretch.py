"""Stretch: a partition's place stays small, and is found again or refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from vecmill.errors import SourceError
from vecmill.sources import JsonlSource

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder with three thousand files of a document each."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3_000):
        (folder / f"an-article-with-a-rather-long-name-{number:05}.jsonl").write_text('{"text": "word"}\n')
    return folder


def _source(path: Path) -> JsonlSource:
    return JsonlSource(JsonlSource.Config(path=str(path)))


def test_where_is_small_for_thousands_of_files(many: Path) -> None:
    """A task stays under four kilobytes, however many files its partition spans, and finds them all."""
    partitions = list(_source(many).partitions(1 << 20))
    ids = [id_ for batch in _source(many).read(partitions[0]) for id_ in batch.column("id").to_pylist()]

    assert [partition.documents for partition in partitions] == [3_000]
    assert ids == [str(number) for number in range(3_000)]
    assert len(partitions[0].model_dump_json()) < 4_096


def test_a_file_added_elsewhere_changes_no_partition(many: Path) -> None:
    """A worker looks at its own files; what else comes into the folder is the next run's."""
    *_, last = _source(many).partitions(2_000)
    before = [batch.to_pylist() for batch in _source(many).read(last)]
    (many / "a-new-first.jsonl").write_text('{"text": "new"}\n')

    assert [batch.to_pylist() for batch in _source(many).read(last)] == before


@pytest.mark.fault(
    "source",
    "a file changes between plan and worker",
    promise="Refused by name.",
)
@pytest.mark.parametrize("change", ["grow", "touch", "remove"])
def test_a_file_that_changed_since_the_plan_is_refused(tmp_path: Path, change: str) -> None:
    """Content planned and content read are the same, or the shard fails with the file's name."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one"}\n')
    (tmp_path / "b.jsonl").write_text('{"text": "two"}\n')
    (partition,) = _source(tmp_path).partitions(1 << 20)
    if change == "grow":
        path.write_text('{"text": "one"}\n{"text": "more"}\n')
    elif change == "touch":
        os.utime(path, ns=(1, 1))
    else:
        path.unlink()

    with pytest.raises(SourceError, match=r"a.jsonl.* changed during the run"):
        list(_source(tmp_path).read(partition))


def test_a_source_without_documents_is_refused(tmp_path: Path) -> None:
    """An empty corpus is a mistake, not a dataset."""
    (tmp_path / "a.jsonl").write_text("\n\n")

    with pytest.raises(SourceError, match=r"holds no documents: a.jsonl"):
        list(_source(tmp_path).partitions(1_000))


@pytest.mark.fault(
    "modal",
    "containers see other times of a source's file than the driver, or a file is changed during the run",
    promise="There vecmill compares sizes and hashes of the content, not times: the run continues, or a shard fails "
    "with the file's name.",
)
def test_in_a_shared_folder_content_counts_and_no_time_does(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine's clock is no change; another content is, though its size is the same."""
    monkeypatch.setenv("VECMILL_SHARED", f"/mnt/elsewhere{os.pathsep}{tmp_path}")
    first, *_ = _source(many).partitions(200)
    rows = [batch.to_pylist() for batch in _source(many).read(first)]
    names = sorted(many.iterdir())
    for name in names[:20]:
        os.utime(name, ns=(1, 1))
    assert [batch.to_pylist() for batch in _source(many).read(first)] == rows

    names[0].write_text('{"text": "wore"}\n')
    with pytest.raises(SourceError, match="changed during the run"):
        list(_source(many).read(first))


def test_elsewhere_a_time_counts(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of this machine alone is not hashed for it, nor is one whose name begins as a shared one's does."""
    monkeypatch.setenv("VECMILL_SHARED", str(tmp_path / "man"))
    first, *_ = _source(many).partitions(200)
    os.utime(min(many.iterdir()), ns=(1, 1))
    with pytest.raises(SourceError, match="changed during the run"):
        list(_source(many).read(first))
