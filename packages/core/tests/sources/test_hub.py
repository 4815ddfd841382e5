"""HubSource: a split at a commit, read from a Hub by the real client; its files by the card or by their names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vecmill.errors import ConfigError, SourceError
from vecmill.files import HubRepo
from vecmill.records import Terms
from vecmill.sources.hub import HubSource, layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from doubles.hub import HubDouble, Repo


REPO = "wikimedia/wikipedia"
CARD = """---
configs:
- config_name: en
  data_files:
  - split: train
    path: en/train-*
- config_name: fr
  data_files:
  - split: train
    path: fr/train-*
---
# Articles
"""
ROWS = 300


def _source(**options: object) -> HubSource:
    return HubSource(HubSource.Config(**{"repo": REPO, "config": "en", **options}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repo as Wikipedia's: three files of a hundred articles, with a large column that is not needed."""
    root = tmp_path / "repo"
    (root / "en").mkdir(parents=True)
    (root / "README.md").write_text(CARD)
    for number in range(3):
        ids = range(number * 100, number * 100 + 100)
        columns = {
            "id": [str(i) for i in ids],
            "title": [f"Article {i}" for i in ids],
            "text": [f"{os.urandom(300).hex()} {i}" for i in ids],
            "html": [os.urandom(10_000) for _ in ids],
        }
        pq.write_table(pa.table(columns), root / f"en/train-{number:05}-of-00003.parquet", row_group_size=25)
    return root


@pytest.fixture
def repo(hub: HubDouble, folder: Path) -> Repo:
    """That repo, on a Hub."""
    return hub.add("dataset", REPO, folder)


@pytest.mark.usefixtures("repo")
@pytest.mark.parametrize("target", [8_000, 30_000, 1 << 40])
@pytest.mark.parametrize("limit", [None, 130])
def test_a_split_is_read_whole(folder: Path, read_all: Callable[..., pa.Table], target: int, limit: int | None) -> None:
    """In the order of its files, with any target and limit."""
    found = read_all(_source(limit=limit), target)
    whole = pq.read_table(folder / "en", columns=["id", "title", "text"])

    assert found.select(["id", "title", "text"]).to_pylist() == whole.to_pylist()[:limit]


@pytest.mark.usefixtures("repo")
def test_a_fresh_process_reads_a_partition(hub: HubDouble) -> None:
    """A worker has the pinned options and its partition, and nothing else."""
    source = HubSource(_source().pinned())
    _, partition, *_ = source.partitions(30_000)
    code = """
import json, sys
from vecmill.records import Partition
from vecmill.sources.hub import HubSource
config, partition = json.load(sys.stdin)
rows = HubSource(HubSource.Config(**config)).read(Partition(**partition))
print(json.dumps([id_ for batch in rows for id_ in batch.column("id").to_pylist()]))
"""
    task = json.dumps([source.config.model_dump(), partition.model_dump()])
    done = subprocess.run([sys.executable, "-c", code], input=task, capture_output=True, text=True, check=True)

    assert os.environ["HF_ENDPOINT"] == hub.url
    assert json.loads(done.stdout) == [id_ for b in source.read(partition) for id_ in b.column("id").to_pylist()]


@pytest.mark.usefixtures("repo")
def test_only_the_needed_bytes_are_fetched(hub: HubDouble, read_all: Callable[..., pa.Table], tmp_path: Path) -> None:
    """By row group and column, in ranges; the large column stays where it is, and nothing is kept on disk."""
    read_all(_source(), 1 << 40)

    footers, row_groups = 2 * 3, 3 * 4
    assert [request.status for request in hub.downloads] == [206] * (footers + row_groups)
    assert sum(_length(request.headers["range"]) for request in hub.downloads) < 1_000_000
    assert not (tmp_path / "hf").exists()


def _length(ranged: str) -> int:
    start, stop = ranged.removeprefix("bytes=").split("-")
    return int(stop) - int(start) + 1


@pytest.mark.usefixtures("repo")
def test_a_limit_looks_into_no_more_files_than_it_needs(hub: HubDouble) -> None:
    """A sample of a dataset of thousands of files is quick to plan."""
    list(_source(limit=10).partitions(1 << 20))

    assert len(hub.downloads) == 1


@pytest.mark.usefixtures("repo")
def test_requests_do_not_grow_with_the_partitions(hub: HubDouble) -> None:
    """The Hub limits calls of its API: a worker lists the repo once, whatever it reads; a plan reads footers once."""
    source = HubSource(_source().pinned())
    partitions = list(source.partitions(8_000))
    before = len(hub.requests)
    assert len(list(source.partitions(80_000))) < len(partitions)
    assert len(hub.requests) == before
    worker = HubSource(source.config)
    list(worker.read(partitions[0]))
    before = len(_api(hub))
    for partition in partitions[1:]:
        list(worker.read(partition))

    assert len(partitions) > 10
    assert len(_api(hub)) == before


def _api(hub: HubDouble) -> list[str]:
    return [r.path for r in hub.requests if r.path.startswith("/api/") and "resolve-cache" not in r.path]


def test_a_moved_branch_does_not_move_a_pinned_run(repo: Repo, folder: Path, read_all: Callable[..., pa.Table]) -> None:
    """The commit is in the options and in the fingerprint; another commit is another fingerprint."""
    before = _source()
    pinned = HubSource(before.pinned())
    sha = repo.refs["refs/heads/main"]
    (folder / "en/train-00001-of-00003.parquet").unlink()
    repo.commit(folder)

    assert pinned.config.revision == sha
    assert read_all(pinned).num_rows == ROWS
    assert pinned.fingerprint() == before.fingerprint() == HubSource(pinned.config).fingerprint()
    assert read_all(_source()).num_rows == ROWS - 100
    assert _source().fingerprint() != before.fingerprint()


@pytest.mark.usefixtures("repo")
@pytest.mark.parametrize("options", [{"limit": 5}, {"keep": ["html"]}, {"columns": {"title": ""}}])
def test_options_that_choose_what_is_read_count(options: dict[str, Any]) -> None:
    """The fingerprint is of the documents, not of the commit alone."""
    assert _source(**options).fingerprint() != _source().fingerprint()


def test_a_tag_is_a_revision(repo: Repo, folder: Path, read_all: Callable[..., pa.Table]) -> None:
    """A branch, a tag or a commit: each is resolved to the commit it means."""
    repo.tag("v1")
    (folder / "en/train-00001-of-00003.parquet").unlink()
    repo.commit(folder)

    assert read_all(_source(revision="v1")).num_rows == ROWS


@pytest.mark.usefixtures("repo")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"repo": "wikimedia/nothing"}, "there is no dataset 'wikimedia/nothing' on the Hub, or it is private"),
        ({"repo": "nothing"}, "there is no dataset 'nothing' on the Hub"),
        ({"repo": "a/b/c"}, "there is no dataset 'a/b/c' on the Hub"),
        ({"revision": "v9"}, "has no revision 'v9'"),
        ({"config": None}, 'has several configurations: en, fr; choose one: config = "..."'),
        ({"config": "de"}, "has no configuration 'de'; it has en, fr"),
        ({"split": "test"}, "has no split 'test'; it has train"),
        ({"config": "fr"}, r"has no file that matches fr/train-\*, as its card says"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(options: dict[str, Any], told: str) -> None:
    """Before any work, as a wrong option."""
    with pytest.raises(ConfigError, match=told):
        _source(**options).pinned()


@pytest.mark.usefixtures("repo")
def test_a_missing_column_is_a_configuration_error() -> None:
    """As for a local file, with the file's name in the repo."""
    with pytest.raises(ConfigError, match=r"wikipedia@\w{8}/en/train-00000.* has no column 'body'; it has id, title"):
        list(_source(columns={"text": "body"}).partitions(1_000))


def test_a_gated_dataset_says_how_to_be_let_in(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an accepted account it is refused; with one it is read."""
    repo.gated = True
    repo.tokens.add("hf_friend")

    with pytest.raises(ConfigError, match="is gated: accept its terms on its page, then log in"):
        list(_source().partitions(1_000))
    monkeypatch.setenv("HF_TOKEN", "hf_friend")
    assert len(list(_source().partitions(1 << 40))) == 1


def test_a_private_dataset_is_read_with_a_token(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """To others it does not exist."""
    repo.private = True
    repo.tokens.add("hf_friend")

    with pytest.raises(ConfigError, match=r"or it is private: check the name; if it is private, log in"):
        _source().pinned()
    monkeypatch.setenv("HF_TOKEN", "hf_friend")
    assert _source().pinned().config == "en"


@pytest.mark.usefixtures("repo")
def test_an_outage_is_one_clear_error(hub: HubDouble) -> None:
    """It is the network's fault, not the job's."""
    hub.outage = 503

    with pytest.raises(SourceError, match=f"{REPO}' could not be read from the Hub: Server error '503"):
        _source().pinned()


def test_a_file_that_goes_away_is_one_clear_error(repo: Repo, hub: HubDouble) -> None:
    """What fails below Arrow, in the middle of a file, is told as what it is."""
    source = _source()
    (partition,) = source.partitions(1 << 40)
    for blob in repo.files("main").values():
        blob.path.unlink()

    with pytest.raises(SourceError, match=f"{REPO}' could not be read from the Hub: 404"):
        list(source.read(partition))
    assert hub.downloads[-1].status == 404


def test_no_hub_is_one_clear_error(hub: HubDouble) -> None:
    """A refused connection too."""
    hub.close()

    with pytest.raises(SourceError, match=r"could not be read from the Hub: .*refused.*: check the network"):
        _source().pinned()


@pytest.mark.usefixtures("hub")
def test_offline_mode_is_one_clear_error() -> None:
    """Read by the client library when it is imported, so in a process of its own."""
    code = "from vecmill.sources.hub import HubSource; HubSource(HubSource.Config(repo='a/b')).pinned()"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)

    assert done.stderr.splitlines()[-1].startswith(
        "vecmill.errors.SourceError: the dataset 'a/b' cannot be read: HF_HUB_OFF"
    )


def test_the_hub_s_parquet_copy_is_read_for_other_formats(
    hub: HubDouble, tmp_path: Path, read_all: Callable[..., pa.Table]
) -> None:
    """A dataset of JSON files with a converted branch is read by row group too, at that branch's commit."""
    for name, rows in {"json": None, "copy/default/train": ["a", "b"]}.items():
        (tmp_path / name).mkdir(parents=True)
        if rows:
            pq.write_table(pa.table({"text": rows}), tmp_path / name / "0000.parquet")
    (tmp_path / "json/train.jsonl").write_text('{"text": "a"}\n')
    repo = hub.add("dataset", "user/json", tmp_path / "json")
    sha = repo.commit(tmp_path / "copy", "refs/convert/parquet")
    pinned = HubSource(HubSource.Config(repo="user/json")).pinned()

    assert (pinned.revision, pinned.config) == (sha, "default")
    assert read_all(HubSource(pinned))["text"].to_pylist() == ["a", "b"]


@pytest.mark.parametrize(
    ("front", "options", "terms"),
    [
        ("license:\n- cc-by-sa-3.0\n- gfdl\nlanguage: en", {}, Terms(license=("cc-by-sa-3.0", "gfdl"), language="en")),
        ("license: other\nlicense_name: mine", {}, Terms(license="other", license_name="mine")),
        ("license: mit\nlanguage: [no, de]", {}, Terms(license="mit", language=("no", "de"))),
        ("language: [de, en, fr]", {}, Terms(language="en")),
        ("license: {a: b}\nlanguage: [1, null]", {}, Terms()),
        ("license: mit\nlanguage: en", {"license": "gfdl"}, Terms(license="gfdl", language="en")),
        ("license: mit", {"license": ["gfdl"], "language": ["de"]}, Terms(license="gfdl", language="de")),
    ],
)
def test_licence_and_language_are_those_of_the_card(
    hub: HubDouble, folder: Path, front: str, options: dict[str, Any], terms: Terms
) -> None:
    """Whatever people write there; the job's own words win, and change nothing in what is read."""
    (folder / "README.md").write_text(CARD.replace("---\n", f"---\n{front}\n", 1))
    hub.add("dataset", REPO, folder)
    source = _source(**options)
    assert source.terms() == terms
    assert source.fingerprint() == _source().fingerprint()


def _repo(hub: HubDouble, folder: Path, files: str, card: str = "") -> HubRepo:
    """Put empty files on a Hub; only their names count."""
    root = folder / "repo"
    for name in files.split():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    if card:
        (root / "README.md").write_text(f"---\n{card}\n---\n# A dataset\n")
    hub.add("dataset", "user/data", root)
    return HubRepo("user/data", None)


@pytest.mark.parametrize(
    ("files", "config", "split", "expected"),
    [
        ("data/train-00000-of-00002.parquet data/train-00001-of-00002.parquet", None, "train", None),
        ("data/test-00000-of-00001.parquet data/train_sft-00000-of-00001.parquet", None, "train_sft", "data/train_sft"),
        ("train.parquet test.parquet", None, "test", "test.parquet"),
        ("training/a.parquet dev/b.parquet", None, "validation", "dev/"),
        ("en/train-00000-of-00001.parquet fr/train-00000-of-00001.parquet", "fr", "train", "fr/"),
        ("plain/train/0000.parquet plain/train_sft/0000.parquet", None, "train_sft", "plain/train_sft/"),
        ("a/train/0000.parquet default/train/0000.parquet", None, "train", "default/"),
        ("a.parquet deep/b.parquet .cache/c.parquet notes.txt", None, "train", None),
        ("one/articles.parquet two/articles.parquet", "default", "train", None),
    ],
)
def test_without_a_card_names_tell(
    hub: HubDouble, tmp_path: Path, files: str, config: str | None, split: str, expected: str | None
) -> None:
    """Folders and file names, in the ways the Hub's datasets use them."""
    found = [file.name for file in layout(_repo(hub, tmp_path, files), config, split).files]
    wanted = [name for name in files.split() if name.endswith(".parquet") and "cache" not in name]

    assert found == sorted(name for name in wanted if expected is None or name.startswith(expected))


@pytest.mark.parametrize(
    ("configs", "split", "expected"),
    [
        ("{config_name: x, data_files: part/*.parquet}", "train", "ab"),
        ("{config_name: x, data_files: [part/b.parquet, part/a.parquet, part/b.parquet]}", "train", "ba"),
        ("{config_name: x, data_files: [{split: dev, path: [part/b*, 'part/?.parquet']}]}", "dev", "ba"),
        ("{config_name: x, data_dir: part, data_files: a.parquet}", "train", "a"),
        ("{config_name: x, data_dir: part}", "train", "ab"),
        ("{config_name: y, data_dir: other}, {config_name: x, data_dir: part, default: true}", "train", "ab"),
    ],
)
def test_a_card_tells_first(hub: HubDouble, tmp_path: Path, configs: str, split: str, expected: str) -> None:
    """Patterns are taken in the card's order, each file once."""
    repo = _repo(hub, tmp_path, "part/a.parquet part/b.parquet other/train.parquet", f"configs: [{configs}]")
    found = layout(repo, None, split)

    assert found.config == "x"
    assert [file.name for file in found.files] == [f"part/{name}.parquet" for name in expected]


@pytest.mark.parametrize("path", ["data/*", "https://elsewhere/a.parquet", "data/a.jsonl"])
def test_other_formats_have_no_parquet_files(hub: HubDouble, tmp_path: Path, path: str) -> None:
    """They are left to the datasets library, also if only some files are Parquet."""
    repo = _repo(hub, tmp_path, "data/a.jsonl data/b.parquet", f"configs: [{{config_name: x, data_files: '{path}'}}]")

    assert layout(repo, None, "train").files == []


@pytest.mark.parametrize(
    ("files", "config", "split", "told"),
    [
        ("en/train-00000-of-00001.parquet", "fr", "train", "no configuration 'fr'; it has en"),
        ("a/train/0000.parquet b/train/0000.parquet", None, "train", "several configurations: a, b"),
        ("test.parquet dev.parquet", None, "train", "no split 'train'; it has validation, test"),
    ],
)
def test_a_split_that_is_not_there_is_named_with_those_that_are(
    hub: HubDouble, tmp_path: Path, files: str, config: str | None, split: str, told: str
) -> None:
    """Before any work, as a wrong option."""
    with pytest.raises(ConfigError, match=told):
        layout(_repo(hub, tmp_path, files), config, split)


def test_a_half_converted_split_is_not_taken_for_the_whole(hub: HubDouble, tmp_path: Path) -> None:
    """The Hub's Parquet copy of a large dataset stops in the middle, and is named so."""
    assert layout(_repo(hub, tmp_path, "a/partial-train/0000.parquet"), "a", "train").files == []


def test_a_card_that_is_not_yaml_is_named(hub: HubDouble, tmp_path: Path) -> None:
    """What it would have said is not guessed."""
    with pytest.raises(SourceError, match=r"the card of 'user/data' \(README.md\) has a front matter that is not YAML"):
        layout(_repo(hub, tmp_path, "train.parquet", card="configs: [}"), None, "train")


def test_a_long_listing_is_read_to_its_end(hub: HubDouble, tmp_path: Path) -> None:
    """The Hub lists a thousand files at a time."""
    files = " ".join(f"data/train-{number:05}-of-02500.parquet" for number in range(2_500))

    assert [file.name for file in layout(_repo(hub, tmp_path, files), None, "train").files] == files.split()
