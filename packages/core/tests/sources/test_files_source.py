"""Fingerprint: other content, another hash; another place, the same one."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from vecmill.errors import SourceError, SourceWarning
from vecmill.sources import JsonlSource

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two files."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"text": "one"}\n')
    (folder / "b.jsonl").write_text('{"text": "two"}\n')
    return folder


def _fingerprint(path: Path, **options: object) -> str:
    return JsonlSource(JsonlSource.Config(path=str(path), **options)).fingerprint()


def test_a_copy_elsewhere_has_the_same_fingerprint(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the folder nor how it is named counts."""
    shutil.copytree(corpus, tmp_path / "copy")
    monkeypatch.chdir(tmp_path)

    assert _fingerprint(corpus) == _fingerprint(tmp_path / "copy") == _fingerprint(tmp_path / "copy" / "*.jsonl")
    assert _fingerprint(corpus) == JsonlSource(JsonlSource.Config(path="copy")).fingerprint()


def test_files_that_are_left_out_are_named(corpus: Path) -> None:
    """In one line; not what Spark leaves behind, nor what is hidden."""
    before = _fingerprint(corpus)
    for name in ("c.jsonl.xz", "d.json.gz", "_posts/e.jsonl", "_temporary/0/f.jsonl", ".g.jsonl", "dataset_info.json"):
        (corpus / name).parent.mkdir(parents=True, exist_ok=True)
        (corpus / name).touch()

    with pytest.warns(SourceWarning, match=r"3 of the files .* are left out, the first is '.*/_posts/e.jsonl'") as told:
        assert _fingerprint(corpus) == before
    assert len(told) == 1


def test_one_other_byte_is_another_fingerprint(corpus: Path) -> None:
    """Even if the size stays."""
    before = _fingerprint(corpus)
    (corpus / "b.jsonl").write_text('{"text": "twp"}\n')

    assert _fingerprint(corpus) != before


def test_another_name_is_another_fingerprint(corpus: Path) -> None:
    """Names decide the order, and the ids of broken lines."""
    before = _fingerprint(corpus)
    (corpus / "b.jsonl").rename(corpus / "c.jsonl")

    assert _fingerprint(corpus) != before


@pytest.mark.parametrize("options", [{"limit": 1}, {"columns": {"title": "text"}}, {"keep": ["lang"]}])
def test_options_that_choose_what_is_read_count(corpus: Path, options: dict[str, object]) -> None:
    """The fingerprint is of the documents, not of the files alone."""
    assert _fingerprint(corpus, **options) != _fingerprint(corpus)


def test_a_file_that_changes_between_fingerprint_and_plan_is_refused(corpus: Path) -> None:
    """A run's identity never belongs to other content than its partitions."""
    source = JsonlSource(JsonlSource.Config(path=str(corpus)))
    source.fingerprint()
    os.utime(corpus / "b.jsonl", ns=(1, 1))

    with pytest.raises(SourceError, match=r"b.jsonl changed during the run"):
        list(source.partitions(1_000))


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    """A file that goes away between finding and reading is a source error."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one"}\n')
    source = JsonlSource(JsonlSource.Config(path=str(path)))
    assert source.files
    path.unlink()

    with pytest.raises(SourceError, match=r"a.jsonl cannot be read: No such file"):
        source.fingerprint()
