"""Releases: what decides which one a job makes, which is current, and which go."""

import shutil

import pytest

from repository import model_folder
from vecmill import Job
from vecmill.errors import StoreError
from vecmill.records import ComponentSpec
from vecmill_modal_runtime.releases import Release, ReleaseIndex, ReleaseMetadata, find_release

KEYS = {
    "source": {"name": "pydoc"},
    "chunker": {"name": "characters"},
    "embedder": {"name": "tei", "model": "user/model", "revision": "f" * 40},
}


def of(**keys):
    """Return the release of a job."""
    return find_release("reference", Job(**{**KEYS, **keys}))


def test_the_folder_tells_revision_and_recipe():
    """Eight digits of the one and six of the other, after the name."""
    found = of()
    assert found.folder == f"reference-{found.revision[:8]}-{found.recipe[:6]}"


@pytest.mark.parametrize(
    "keys",
    [
        {"source": {"name": "pydoc", "limit": 5}},
        {"chunker": {"name": "characters", "size": 401}},
        {"embedder": {**KEYS["embedder"], "revision": "e" * 40}},
        {"embedder": {**KEYS["embedder"], "model": "user/other"}},
        {"embedder": {**KEYS["embedder"], "prompt": "passage: "}},
        {"truncate": True},
        {"shards": {"target_mb": 64}},
    ],
)
def test_another_recipe_is_another_edition(keys):
    """Whatever decides the bytes that come out."""
    assert of(**keys).recipe != of().recipe


@pytest.mark.parametrize(
    "keys",
    [
        {"embedder": {**KEYS["embedder"], "max_in_flight": 64}},
        {"runtime": {"name": "modal", "gpu": "L4"}},
        {"publish": [{"name": "parquet", "path": "elsewhere"}]},
        {"chunker": {"name": "characters", "size": 400}},
    ],
)
def test_where_and_how_fast_make_no_difference(keys):
    """Nor does a default that is written out."""
    assert of(**keys) == of()


def test_other_content_is_another_revision(tmp_path):
    """Files that no commit pins are known by their content, wherever they lie."""
    found = []
    for name, text in (("a", "one"), ("b", "one"), ("c", "two")):
        path = tmp_path / name / "x.jsonl"
        path.parent.mkdir()
        path.write_text(f'{{"id": "a", "text": "{text}"}}\n')
        found.append(of(source={"name": "jsonl", "path": str(path)}))
    assert found[0]._replace(source=ComponentSpec(name="")) == found[1]._replace(source=ComponentSpec(name=""))
    assert found[2].revision != found[0].revision


def test_a_changed_tokenizer_in_a_folder_makes_another_edition(tmp_path):
    """Of a folder the revision says its weights alone; a finished release would be taken for this one."""
    folder = model_folder()
    (tmp_path / "model").mkdir()
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(folder / name, tmp_path / "model")
    embedder = {**KEYS["embedder"], "model": str(tmp_path / "model"), "revision": "sha256:00"}
    before = of(embedder=embedder)
    with (tmp_path / "model" / "tokenizer.json").open("a") as file:
        file.write("\n")
    assert of(embedder=embedder).recipe != before.recipe


SOURCE = ComponentSpec(name="hub", options={"repo": "user/topics"})


@pytest.fixture
def index(tmp_path):
    """An empty index."""
    return ReleaseIndex(tmp_path / "runs", "wiki")


@pytest.fixture
def add(index, tmp_path):
    """Return a function that puts a release on the index, finished on some day."""

    def put(revision, day, recipe="a" * 40, *, sample=False, index=index):
        release = Release(index.name, SOURCE, revision, recipe, sample)
        (index.root / release.folder / "data").mkdir(parents=True)
        kept = tmp_path / "sources" / revision
        kept.mkdir(parents=True, exist_ok=True)
        index.add(
            ReleaseMetadata(
                name=index.name,
                folder=release.folder,
                run_id="r",
                source=SOURCE,
                kept=str(kept),
                revision=revision,
                recipe=recipe,
                sample=sample,
                publish=[],
                published=[],
                finished=f"2026-11-{day:02d}T00:00:00+00:00",
                documents=1,
                chunks=1,
                bytes=1,
            )
        )
        return release.folder

    return put


def test_the_last_one_finished_is_current(index, add):
    """Whatever its revision; and each is found by its name."""
    first, second = add("1" * 40, 1), add("2" * 40, 2)
    assert index.find() == index.root / second == index.root / "wiki-22222222-aaaaaa"
    assert index.find(first) == index.root / first


def test_a_sample_is_current_only_where_there_is_nothing_else(index, add):
    """A look at a thousand articles must not take the place of all of them."""
    add("1" * 40, 1, "b" * 40, sample=True)
    assert index.current.sample
    whole = add("1" * 40, 2)
    add("3" * 40, 3, "b" * 40, sample=True)
    assert index.current.folder == whole


def outdated(index, keep):
    """Return the folders of the revisions that need not stay."""
    return [record.folder for record in index.list_outdated(keep)]


def test_older_revisions_go_with_what_they_were_made_from(index, add, tmp_path):
    """The newest stay; so do other recipes, samples, and sources that another one was made from."""
    old, other, sample = add("1" * 40, 1), add("1" * 40, 2, "b" * 40), add("2" * 40, 3, "c" * 40, sample=True)
    older, newer = add("2" * 40, 4), add("3" * 40, 5)
    assert outdated(index, 0) == []
    assert outdated(index, 2) == [old]
    assert outdated(index, 1) == [older, old]
    for record in index.list_outdated(1):
        index.remove(record)
    left = {path.name for path in index.root.iterdir() if path.is_dir()}
    assert left == {other, sample, newer}
    assert {path.name[0] for path in (tmp_path / "sources").iterdir()} == {"1", "2", "3"}
    assert [record.folder for record in index._releases()] == sorted([other, sample, newer])


def test_the_releases_of_another_dataset_stay(index, add):
    """Another app's, on the same Volume, by the same recipe: its name begins with this one's, or is a pattern."""
    others = [ReleaseIndex(index.root, name) for name in ("wiki-test", "wiki-[a]", "w*")]
    theirs = [[add(revision * 40, 1, index=other) for revision in "12"] for other in others]
    add("3" * 40, 2)
    assert outdated(index, 1) == []
    assert [outdated(other, 1) for other in others] == [[folders[0]] for folders in theirs]
    with pytest.raises(StoreError, match=r"no finished run 'none' .*there are: wiki-33333333-aaaaaa\)"):
        index.find("none")


def test_the_current_one_stays_though_others_are_newer(index, add):
    """A source that went back to an earlier revision: that one is what readers read."""
    back, newer = add("1" * 40, 1), add("2" * 40, 2)
    index.add(next(iter(index._releases())))
    assert index.current.folder == back
    assert outdated(index, 1) == [newer]


def test_an_unknown_run_is_named_with_those_there_are(index, add):
    """One message, with the names to choose from."""
    with pytest.raises(StoreError, match=r"no finished run 'wiki' .*there are: none"):
        index.find()
    there = add("1" * 40, 1)
    with pytest.raises(StoreError, match=f"no finished run 'wiki-x' .*there are: {there}"):
        index.find("wiki-x")


def test_what_cannot_be_removed_is_told(index, add, monkeypatch):
    """Nobody would look for it later: its record is gone."""

    def refuse(folder):
        raise PermissionError(13, "no", str(folder))

    folder = add("1" * 40, 1)
    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(StoreError, match=f"{folder} could not be removed .*`modal volume rm -r`"):
        index.remove(index.current)
