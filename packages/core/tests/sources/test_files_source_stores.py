"""Every format from every store: the same rows, the same parts, and a change in between is refused."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import vecmill
from vecmill.errors import ConfigError, SourceError
from vecmill.files import find
from vecmill.records import Partition, Terms
from vecmill.sources import CsvSource, JsonlSource, ParquetSource
from vecmill.sources.saved import SavedSource
from vecmill.testing import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from doubles.hub import HubDouble, Repo
    from vecmill.sources import FilesSource

REPO = "user/articles"
CARD = "---\nlicense: cc-by-sa-4.0\nlanguage: [en, de]\n---\n# Articles\n"
ROWS = [{"id": f"a{row}", "text": f"Article {row}: naïve 漢字. " * 9, "lang": "en"} for row in range(120)]
SOURCES: dict[str, type[FilesSource[Any]]] = {
    source.name: source for source in (ParquetSource, JsonlSource, CsvSource, SavedSource)
}
FORMATS = list(SOURCES)


def _write(name: str, folder: Path) -> None:
    """Write two files of a format, and one that is not of it."""
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("not rows")
    halves = ROWS[:70], ROWS[70:]
    if name == "parquet":
        for number, rows in enumerate(halves):
            pq.write_table(pa.Table.from_pylist(rows), folder / f"{number}.parquet", row_group_size=20)
    elif name == "jsonl":
        (folder / "0.jsonl").write_text("".join(json.dumps(row) + "\n" for row in halves[0]))
        lines = "".join(json.dumps(row) + "\n" for row in halves[1]).encode()
        (folder / "1.jsonl.gz").write_bytes(pa.compress(lines, "gzip", asbytes=True))
    elif name == "csv":
        for number, rows in enumerate(halves):
            with (folder / f"{number}.csv").open("w", newline="") as stream:
                writer = csv.DictWriter(stream, ROWS[0])
                writer.writeheader()
                writer.writerows(rows)
    else:
        for number, rows in enumerate(halves):
            with pa.OSFile(str(folder / f"{number}.arrow"), "wb") as sink:
                table = pa.Table.from_pylist(rows)
                with pa.ipc.new_stream(sink, table.schema) as writer:
                    writer.write_table(table, max_chunksize=20)
        state = {"_data_files": [{"filename": f"{number}.arrow"} for number in range(2)]}
        (folder / "state.json").write_text(json.dumps(state))


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    """The files of this process, none at first and none at last."""
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


def _source(name: str, path: object, **options: object) -> FilesSource[Any]:
    source = SOURCES[name](SOURCES[name].Config(path=path, keep=["lang"], **options))
    return type(source)(source.pinned())


def _repo(hub: HubDouble, folder: Path) -> Repo:
    (folder / "README.md").write_text(CARD)
    return hub.add("dataset", REPO, folder)


@pytest.mark.parametrize(("limit", "target"), [(None, 500), (None, 1 << 30), (90, 500)])
@pytest.mark.parametrize("name", FORMATS)
def test_a_format_reads_the_same_from_every_store(  # noqa: PLR0913, PLR0917 - a place for each store
    name: str,
    limit: int | None,
    target: int,
    tmp_path: Path,
    hub: HubDouble,
    memory: fsspec.AbstractFileSystem,
    read_all: Callable[..., pa.Table],
) -> None:
    """Documents, columns, order and partitions are those of the same files on this machine."""
    _write(name, tmp_path / "repo" / "data")
    _repo(hub, tmp_path / "repo")
    memory.put(f"{tmp_path}/repo/", "/corpus", recursive=True)
    local, *others = (
        _source(name, path, limit=limit)
        for path in (f"{tmp_path}/repo/data", "memory://corpus/data", f"hf://datasets/{REPO}/data")
    )
    expected = read_all(local, target)
    assert expected.select(["id", "text", "lang"]).to_pylist() == ROWS[:limit]
    parts = [(part.where, part.documents, part.bytes) for part in local.partitions(target)]
    assert len(parts) > 1 or target > 500
    for source in others:
        assert read_all(source, target) == expected
        assert [(part.where, part.documents, part.bytes) for part in source.partitions(target)] == parts
        assert source.count() == local.count()


@pytest.mark.parametrize("name", ["parquet", "jsonl", "csv"])
def test_a_pattern_and_a_list_mean_the_same_in_every_store(
    name: str, tmp_path: Path, hub: HubDouble, memory: fsspec.AbstractFileSystem
) -> None:
    """A pattern takes what it matches, sorted; a list is in its own order, and takes a file once."""
    _write(name, tmp_path / "repo" / "data")
    for hidden in (".hidden", "_temporary"):
        (tmp_path / "repo" / "data" / hidden).mkdir()
        (tmp_path / "repo" / "data" / hidden / f"2.{name}").write_text("")
    _repo(hub, tmp_path / "repo")
    memory.put(f"{tmp_path}/repo/", "/corpus", recursive=True)
    for root in (f"{tmp_path}/repo", "memory://corpus", f"hf://datasets/{REPO}"):
        for path in (root, f"{root}/data/[01].*", f"{root}/*/*.{name}*", f"{root}/**/*.{name}*"):
            names = [file.name for file in _source(name, path).files]
            assert [name.split(".")[0] for name in names] == ["0", "1"]
        one, two = (file.name for file in _source(name, f"{root}/data").files)
        listed = _source(name, [f"{root}/data/{two}", f"{root}/data/*.{name}*", f"{root}/data/{one}"])
        assert [file.name for file in listed.files] == [two, one]


def test_a_table_of_a_lakehouse_is_refused_in_every_store(
    tmp_path: Path, hub: HubDouble, memory: fsspec.AbstractFileSystem
) -> None:
    """Its files hold deleted rows too."""
    _write("parquet", tmp_path / "repo" / "data")
    (tmp_path / "repo" / "data" / "_delta_log").mkdir()
    (tmp_path / "repo" / "data" / "_delta_log" / "0.json").write_text("{}")
    _repo(hub, tmp_path / "repo")
    memory.put(f"{tmp_path}/repo/", "/corpus", recursive=True)
    for root in (f"{tmp_path}/repo", "memory://corpus", f"hf://datasets/{REPO}"):
        with pytest.raises(ConfigError, match=f"'{root}.*/data' is a Delta table"):
            _ = _source("parquet", root).files


def _read(source: FilesSource[Any], partition: Partition) -> list[dict[str, Any]]:
    return [row for batch in source.read(partition) for row in batch.to_pylist()]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_of_this_process_that_changes_is_refused(
    name: str, tmp_path: Path, memory: fsspec.AbstractFileSystem
) -> None:
    """As on this machine: between plan and worker, and also if it is gone."""
    _write(name, tmp_path / "data")
    memory.put(f"{tmp_path}/data/", "/corpus", recursive=True)
    source = _source(name, "memory://corpus")
    first, *_ = source.partitions(500)
    file = source.files[0]
    content = memory.cat_file(f"/corpus/{file.name}")
    memory.pipe_file(f"/corpus/{file.name}", content)
    for worker in (_source(name, "memory://corpus"), source):
        with pytest.raises(SourceError, match=f"{file.name} changed during the run"):
            _read(worker, first)
    memory.rm_file(f"/corpus/{file.name}")
    with pytest.raises(SourceError, match=f"{file.name} is gone"):
        _read(source, first)


@pytest.mark.fault(
    "source",
    "a branch of the Hub moves between plan and worker",
    promise="The run reads the commit of its beginning; a worker that sees other files refuses them.",
)
@pytest.mark.parametrize("name", FORMATS)
def test_a_moved_branch_does_not_move_a_pinned_source(name: str, tmp_path: Path, hub: HubDouble) -> None:
    """The commit is in the path that workers get; the fingerprint is of the content, whatever the commit."""
    _write(name, tmp_path / "repo" / "data")
    repo = _repo(hub, tmp_path / "repo")
    path = f"hf://datasets/{REPO}/data"
    source = _source(name, path)
    parts = list(source.partitions(500))
    rows = [_read(source, part) for part in parts]
    assert source.config.path == f"hf://datasets/{REPO}@{repo.refs['refs/heads/main']}/data"
    (tmp_path / "repo" / "README.md").write_text(CARD + "More words.\n")
    repo.commit(tmp_path / "repo")
    assert _source(name, path).config.path != source.config.path
    assert _source(name, path).fingerprint() == source.fingerprint()
    for file in (tmp_path / "repo" / "data").iterdir():
        if file.name[0] in "01":
            file.write_bytes(file.read_bytes()[:-1])
    repo.commit(tmp_path / "repo")
    assert [_read(type(source)(source.config), part) for part in parts] == rows
    assert _source(name, path).fingerprint() != source.fingerprint()
    with pytest.raises(SourceError, match="changed during the run"):
        _read(_source(name, path), parts[0])


def test_each_path_of_a_list_is_pinned_and_two_datasets_state_no_terms(tmp_path: Path, hub: HubDouble) -> None:
    """Each to its own commit. Of whose text the terms of one dataset would be said, nobody knows."""
    _write("jsonl", tmp_path / "repo")
    repos = {name: hub.add("dataset", name, tmp_path / "repo") for name in (REPO, "user/others")}
    (tmp_path / "repo" / "README.md").write_text(CARD)
    for repo in repos.values():
        repo.commit(tmp_path / "repo")
    source = _source("jsonl", [f"hf://datasets/{name}/0.jsonl" for name in repos])
    commits = {name: repo.refs["refs/heads/main"] for name, repo in repos.items()}
    assert source.config.path == [f"hf://datasets/{name}@{commits[name]}/0.jsonl" for name in repos]
    assert source.terms() == Terms()
    one = _source("jsonl", [f"hf://datasets/{REPO}/0.jsonl", f"hf://datasets/{REPO}/1.jsonl"])
    assert one.terms() == Terms(license=("cc-by-sa-4.0",), language=("en", "de"))


def test_files_of_two_datasets_are_known_by_their_content(tmp_path: Path, hub: HubDouble) -> None:
    """A commit that leaves the files alone makes no other run; two revisions of one dataset are not mixed up."""
    _write("jsonl", tmp_path / "repo" / "data")
    repo = _repo(hub, tmp_path / "repo")
    hub.add("dataset", "user/others", tmp_path / "repo")
    repo.tag("v1")
    paths = [f"hf://datasets/{REPO}/data/0.jsonl", "hf://datasets/user/others/data"]
    source = _source("jsonl", paths)
    assert [file.name for file in source.files] == [
        "articles/data/0.jsonl",
        "others/data/0.jsonl",
        "others/data/1.jsonl.gz",
    ]
    (tmp_path / "repo" / "README.md").write_text(CARD + "More words.\n")
    repo.commit(tmp_path / "repo")
    assert _source("jsonl", paths).fingerprint() == source.fingerprint()
    revisions = _source("jsonl", [f"hf://datasets/{REPO}@v1/data", f"hf://datasets/{REPO}/data"]).files
    assert len({file.name for file in revisions}) == len(revisions) == 4


def test_a_revision_is_named_in_the_path(tmp_path: Path, hub: HubDouble, read_all: Callable[..., pa.Table]) -> None:
    """A branch, a tag or a commit, as the Hub's own client writes it."""
    _write("jsonl", tmp_path / "repo")
    repo = _repo(hub, tmp_path / "repo")
    repo.tag("v1")
    (tmp_path / "repo" / "1.jsonl.gz").unlink()
    repo.commit(tmp_path / "repo")
    assert read_all(_source("jsonl", f"hf://datasets/{REPO}@v1")).num_rows == len(ROWS)
    assert read_all(_source("jsonl", f"hf://datasets/{REPO}")).num_rows == 70


def test_a_table_is_read_by_row_group_and_column(tmp_path: Path, hub: HubDouble) -> None:
    """As the source ``hub`` reads it: a footer for the plan, then the row groups that are asked for."""
    folder = tmp_path / "repo"
    folder.mkdir()
    columns = {"text": [f"text {row} " * 200 for row in range(100)], "html": [b"\0" * 20_000] * 100}
    options = {"compression": "none", "use_dictionary": False}
    pq.write_table(pa.table(columns), folder / "a.parquet", row_group_size=25, **options)
    _repo(hub, folder)
    source = ParquetSource(ParquetSource.Config(path=f"hf://datasets/{REPO}"))
    parts = list(source.partitions(60_000))
    before = len(hub.downloads)
    _read(source, parts[0])
    assert len(parts) > 2
    assert before == 1
    ranges = [request.headers["range"].removeprefix("bytes=").split("-") for request in hub.downloads]
    assert sum(int(stop) - int(start) + 1 for start, stop in ranges) < 200_000


def test_lines_are_fetched_in_large_pieces(tmp_path: Path, hub: HubDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the byte where a partition begins, and not line by line; once to plan, however often a source is split."""
    monkeypatch.setattr("vecmill.sources.text.FETCH", 4_000)
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    size = (tmp_path / "repo" / "a.jsonl").stat().st_size
    _repo(hub, tmp_path / "repo")
    source = _source("jsonl", f"hf://datasets/{REPO}")
    parts = list(source.partitions(size // 4))
    list(source.partitions(size // 2))
    before = len(_content_requests(hub))
    assert before <= size // 4_000 + 2
    rows = _read(type(source)(source.config), parts[-1])
    assert rows[-1]["id"] == ROWS[-1]["id"]
    assert 0 < len(_content_requests(hub)) - before <= size // 4 // 4_000 + 3


def _content_requests(hub: HubDouble) -> list[object]:
    return [request for request in hub.requests if "/resolve/" in request.path and "range" in request.headers]


def test_terms_are_those_of_the_datasets_card(tmp_path: Path, hub: HubDouble) -> None:
    """Unless the job states others; files of this machine state none."""
    _write("jsonl", tmp_path / "repo" / "data")
    _repo(hub, tmp_path / "repo")
    path = f"hf://datasets/{REPO}/data"
    assert _source("jsonl", path).terms() == Terms(license="cc-by-sa-4.0", language=("en", "de"))
    assert _source("jsonl", path, language="fr").terms() == Terms(license="cc-by-sa-4.0", language="fr")
    assert _source("jsonl", f"{tmp_path}/repo/data", license="mit").terms() == Terms(license="mit")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "s3://bucket/a.jsonl",
            r"begins with s3://, which vecmill does not read: .*hf://datasets/user/repo.*memory://",
        ),
        ("https://user:secret@example.org/a.jsonl", "begins with https://, which"),
        (f"HF://datasets/{REPO}", "begins with HF://, which"),
        (["a.jsonl", "memory://a.jsonl"], "files of several stores: copy them to one"),
        ("memory://nowhere", "no file or folder 'memory://nowhere'.*seen by the process alone that wrote them"),
        ("memory://nowhere/*.jsonl", r"no file matches 'memory://nowhere/\*.jsonl'"),
        (f"hf://datasets/{REPO}/nowhere", rf"no file or folder 'hf://datasets/{REPO}@\w{{40}}/nowhere'"),
        (f"hf://datasets/{REPO}/*.csv", "no file matches"),
        (f"hf://datasets/{REPO}/empty", r"holds no file that ends with .jsonl or .jsonl.gz"),
        (f"hf://datasets/{REPO}@v9/data", f"dataset '{REPO}' has no revision 'v9'"),
        ("hf://datasets/user/nothing", "there is no dataset 'user/nothing' on the Hub"),
        ("hf://datasets/user", "is no path on the Hub: write hf://datasets/user/repo"),
        ("hf://user/model/a.jsonl", "is in a model of the Hub: name a dataset"),
        ("hf://", "is no path on the Hub"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, hub: HubDouble, memory: fsspec.AbstractFileSystem, path: object, message: str
) -> None:
    """Before any work, as a wrong option; an address is not repeated, for it may hold a secret."""
    assert memory is not None
    _write("jsonl", tmp_path / "repo" / "data")
    (tmp_path / "repo" / "empty").mkdir()
    (tmp_path / "repo" / "empty" / "notes.txt").write_text("")
    _repo(hub, tmp_path / "repo")
    with pytest.raises(ConfigError, match=message) as caught:
        list(_source("jsonl", path).partitions(1000))
    assert "secret" not in str(caught.value)


def test_of_several_datasets_the_one_that_is_not_there_is_named(tmp_path: Path, hub: HubDouble) -> None:
    """Also where the paths are not pinned before."""
    _write("jsonl", tmp_path / "repo")
    _repo(hub, tmp_path / "repo")
    with pytest.raises(ConfigError, match="there is no dataset 'user/nothing' on the Hub"):
        find([f"hf://datasets/{REPO}", "hf://datasets/user/nothing"], (".jsonl",))


def test_an_outage_is_one_clear_error(tmp_path: Path, hub: HubDouble) -> None:
    """Also in the middle of a file."""
    _write("jsonl", tmp_path / "repo")
    _repo(hub, tmp_path / "repo")
    source = _source("jsonl", f"hf://datasets/{REPO}")
    parts = list(source.partitions(1 << 30))
    hub.outage = 404
    with pytest.raises(SourceError, match=f"the dataset '{REPO}'.* could not be read from the Hub: .*404"):
        _read(source, parts[0])
    with pytest.raises(SourceError, match="could not be read from the Hub"):
        _source("jsonl", f"hf://datasets/{REPO}")


def test_a_run_reads_from_any_store_and_its_manifest_names_the_commit(
    tmp_path: Path, hub: HubDouble, memory: fsspec.AbstractFileSystem
) -> None:
    """The rows are those of the same files on this machine; other addresses are not shown."""
    install()
    _write("jsonl", tmp_path / "repo" / "data")
    sha = _repo(hub, tmp_path / "repo").refs["refs/heads/main"]
    memory.put(f"{tmp_path}/repo/data/", "/corpus", recursive=True)
    paths = {
        f"{tmp_path}/repo/data": ".../data",
        f"hf://datasets/{REPO}/data": f"hf://datasets/{REPO}@{sha}/data",
        "memory://corpus": None,
    }
    rows = []
    for number, (path, shown) in enumerate(paths.items()):
        job = vecmill.Job(
            source={"name": "jsonl", "path": path},
            embedder={"name": "hash"},
            runtime={"name": "inline"},
            publish=[{"name": "parquet", "path": str(tmp_path / f"out{number}")}],
        )
        dataset = vecmill.run(job)
        assert dataset.manifest.source.options["path"] == shown
        assert not vecmill.verify(dataset.path).faults
        assert vecmill.run(job).manifest == dataset.manifest
        rows.append(pq.read_table(dataset.path / "data").to_pylist())
    assert rows[0] == rows[1] == rows[2]
