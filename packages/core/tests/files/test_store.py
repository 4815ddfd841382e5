"""find: a path option becomes a list of files, or an error that says where it looked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from vecmill.errors import ConfigError, SourceError
from vecmill.files import HubFile, find

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = (".jsonl", ".jsonl.gz")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files to take and files to leave."""
    data = tmp_path / "data"
    for name in ("b.jsonl", "a.jsonl", "deep/er/c.jsonl.gz", "notes.txt", ".hidden.jsonl", ".cache/d.jsonl"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).touch()
    return data


def _names(path: Any) -> list[str]:
    return [file.name for file in find(path, SUFFIXES)]


def test_a_folder_gives_its_files_sorted(folder: Path) -> None:
    """All files of the source's kind, at any depth; hidden files and folders are left out."""
    assert _names(str(folder)) == ["a.jsonl", "b.jsonl", "deep/er/c.jsonl.gz"]


def test_what_spark_and_hive_hide_is_left_out(folder: Path) -> None:
    """Unfinished attempts and notes, at any depth; but no partitions (_lang=en), nor what is named."""
    for name in ("_temporary/0/a.jsonl", "x/_c.jsonl", "x/_SUCCESS", "_lang=en/d.jsonl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()

    assert _names(str(folder)) == ["_lang=en/d.jsonl", "a.jsonl", "b.jsonl", "deep/er/c.jsonl.gz"]
    assert _names(f"{folder}/**/[ad].jsonl") == ["_lang=en/d.jsonl", "a.jsonl"]
    assert _names(f"{folder}/_temporary/*/*.jsonl") == ["a.jsonl"]
    assert _names(f"{folder}/_temp*/*/*.jsonl") == ["a.jsonl"]
    assert _names(f"{folder}/_temporary") == ["a.jsonl"]
    assert _names([f"{folder}/x/_c.jsonl"]) == ["_c.jsonl"]


LOGS = {
    "a Delta table": "_delta_log/00000000000000000000.json",
    "an Iceberg table": "metadata/00001-5f1e8a34-0bd5-4f3c-9f0e-2d3f6a7b8c9d.metadata.json",
    "a Hudi table": ".hoodie/hoodie.properties",
}


@pytest.mark.parametrize("what", LOGS)
@pytest.mark.parametrize("path", ["", "table", "table/*/*.parquet", "**/*.parquet", "table/lang=en"])
def test_a_table_of_a_lakehouse_is_no_folder_of_files(tmp_path: Path, what: str, path: str) -> None:
    """Its files hold deleted and superseded rows too; the message says how its rows are exported."""
    for name in (LOGS[what], "lang=en/0.parquet"):
        (tmp_path / "table" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "table" / name).touch()

    with pytest.raises(ConfigError, match=f"table' is {what}.*: export its current rows to plain Parquet"):
        find(f"{tmp_path}/{path}", (".parquet",))
    assert len(find(f"{tmp_path}/table/lang=en/0.parquet", (".parquet",))) == 1


def test_a_folder_called_metadata_is_no_table(tmp_path: Path) -> None:
    """Only an Iceberg catalog's own names are."""
    for name in ("metadata/books.metadata.json", "data/0.parquet"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()

    assert [file.name for file in find(str(tmp_path), (".parquet",))] == ["0.parquet"]


def test_a_pattern_gives_its_matches_sorted(folder: Path) -> None:
    """A pattern takes what it matches, whatever its suffix, but no folders."""
    assert _names(f"{folder}/*") == ["a.jsonl", "b.jsonl", "notes.txt"]
    assert _names(f"{folder}/**/*.gz") == ["c.jsonl.gz"]


def test_a_list_keeps_its_order_and_takes_a_file_once(folder: Path) -> None:
    """What a list names first comes first; what it names again is not read again."""
    assert _names([f"{folder}/b.jsonl", f"{folder}/*.jsonl"]) == ["b.jsonl", "a.jsonl"]


def test_a_file_is_read_once_however_its_folder_is_reached(folder: Path) -> None:
    """By way of another folder, of a link to its folder, and of links that lead around and around."""
    (folder / "around").symlink_to(folder)
    (folder / "link").symlink_to(folder / "deep")

    assert _names([f"{folder}/a.jsonl", f"{folder}/deep/../a.jsonl"]) == ["a.jsonl"]
    assert _names(f"{folder}/**/a.jsonl") == ["a.jsonl"]
    assert _names(str(folder)) == ["a.jsonl", "b.jsonl", "deep/er/c.jsonl.gz"]


def test_a_linked_folder_is_part_of_the_folder_it_is_in(folder: Path, tmp_path: Path) -> None:
    """Files on another disk or in a hidden place are not passed over in silence, nor is a name in capitals."""
    (tmp_path / "disk" / "inner").mkdir(parents=True)
    for name in ("d.jsonl", "inner/E.JSONL"):
        (tmp_path / "disk" / name).touch()
    (tmp_path / "disk" / "inner" / "back").symlink_to(tmp_path)
    (folder / "z").symlink_to(tmp_path / "disk")

    (folder / "y").symlink_to(folder / ".cache")

    assert _names(str(folder))[-3:] == ["y/d.jsonl", "z/d.jsonl", "z/inner/E.JSONL"]
    assert len(_names(str(folder))) == 6


def test_a_name_with_pattern_signs_is_a_file(tmp_path: Path) -> None:
    """A file that is there is meant literally."""
    (tmp_path / "a[1].jsonl").touch()

    assert _names(f"{tmp_path}/a[1].jsonl") == ["a[1].jsonl"]


def test_names_do_not_depend_on_where_the_files_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files have the same names by a relative and by an absolute path."""
    monkeypatch.chdir(folder.parent)

    assert _names("data") == _names(str(folder))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nowhere", "no file or folder 'nowhere'"),
        ("nowhere/*.jsonl", "no file matches 'nowhere/"),
        ("empty", "holds no file that ends with .jsonl or .jsonl.gz"),
        ([], "empty list"),
        ("", "source.path is empty"),
        ("~nobody-of-that-name/x", "'~nobody-of-that-name/x' cannot be a path"),
        ("x" * 5000, "x' cannot be a path: File name too long"),
        ("pipe.jsonl", "'pipe.jsonl' is a pipe or a device"),
        ("gone.jsonl", "no file or folder 'gone.jsonl'"),
        ("g*.jsonl", "'gone.jsonl' is a link to a file that is not there"),
        (".", "'gone.jsonl' is a link to a file that is not there"),
    ],
)
def test_nothing_to_read_is_a_configuration_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Any, told: str
) -> None:
    """The message names the path, and the folder it is relative to; a link to nothing is not passed over."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "gone.jsonl").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.jsonl")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError, match=told) as caught:
        find(path, SUFFIXES)
    assert str(tmp_path) in str(caught.value) or "current folder" not in str(caught.value)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_file_that_changes_before_or_while_it_is_read_is_refused(tmp_path: Path, when: str) -> None:
    """What was read of it may be of two files."""
    path = tmp_path / "a.jsonl"
    path.write_text("one\n")
    (file,) = find(str(path), SUFFIXES)
    assert file.size == 4

    def read() -> None:
        with file.open() as stream:
            assert stream.read() == b"one\n"
            path.write_text("another\n")

    if when == "before":
        path.write_text("another\n")
    with pytest.raises(SourceError, match=r"a\.jsonl changed during the run"):
        read()


@pytest.mark.parametrize(("large", "expected"), [({"lfs": {"sha256": "of all"}}, "of all"), ({"lfs": None}, "of git")])
def test_a_large_file_of_the_hub_is_known_by_the_hash_of_its_content(large: dict[str, Any], expected: str) -> None:
    """Git has the hash of a note in its place. Nothing is read for it."""
    repo: Any = None
    assert HubFile(repo, "a.parquet", "a.parquet", {"size": 1, "blob_id": "of git", **large}).hash() == expected
