"""Tests of vecmill.store.files."""

import hashlib

import pytest

import vecmill
from vecmill.errors import StoreError
from vecmill.store.files import atomic, remove, sha256, write_bytes


def test_a_file_appears_whole_with_its_hash(tmp_path):
    """What was written is at the target, and its hash was taken on the way."""
    with atomic(tmp_path / "a" / "file", tmp_path / "tmp") as file:
        file.write(b"one ")
        file.write(b"two")
    assert (tmp_path / "a" / "file").read_bytes() == b"one two"
    assert file.sha256 == hashlib.sha256(b"one two").hexdigest() == sha256(tmp_path / "a" / "file")
    assert file.size == 7


def test_a_failure_leaves_nothing_behind_and_the_old_file_alone(tmp_path):
    """When writing fails half way, the target keeps its old content and no partial file stays."""
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def write() -> None:
        with atomic(target, tmp_path / "tmp") as file:
            file.write(b"half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write()
    assert target.read_bytes() == b"old"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_folder_in_the_way_is_one_clear_error(tmp_path):
    """What the operating system refuses is a StoreError that names the file."""
    (tmp_path / "tmp").write_bytes(b"")
    with pytest.raises(StoreError, match=r"cannot write .*file"):
        write_bytes(tmp_path / "file", tmp_path / "tmp", b"x")


def test_remove_takes_files_folders_and_nothing(tmp_path):
    """Removing what is not there is no error."""
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"")
    for name in ("folder", "file", "nothing"):
        remove(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_that_is_opened_is_the_one_that_its_run_gave(corpus, job):
    """The same folder, manifest and account."""
    made = vecmill.run(job(corpus({"id": "1", "text": "Some text."})))
    opened = vecmill.open_dataset(made.path)
    assert (opened.path, opened.manifest, opened.account) == (made.path, made.manifest, made.account)


def test_a_folder_without_one_is_refused(tmp_path):
    """The message says what was looked for."""
    with pytest.raises(StoreError, match="holds no finished dataset: vecmill made nothing there"):
        vecmill.open_dataset(tmp_path)
