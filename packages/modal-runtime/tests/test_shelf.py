"""Shelf: which editions are finished, which is current, and which go."""

import shutil

import pytest

from vecmill.errors import StoreError
from vecmill.records import ComponentSpec
from vecmill_modal_runtime.releases import Release, ReleaseIndex, ReleaseMetadata

SOURCE = ComponentSpec(name="hub", options={"repo": "user/topics"})


@pytest.fixture
def shelf(tmp_path):
    """An empty shelf."""
    return ReleaseIndex(tmp_path / "runs", "wiki")


@pytest.fixture
def add(shelf, tmp_path):
    """Return a function that puts an edition on the shelf, finished on some day."""

    def put(revision, day, recipe="a" * 40, *, sample=False, shelf=shelf):
        edition = Release(shelf.name, SOURCE, revision, recipe, sample)
        (shelf.root / edition.folder / "data").mkdir(parents=True)
        kept = tmp_path / "sources" / revision
        kept.mkdir(parents=True, exist_ok=True)
        shelf.add(
            ReleaseMetadata(
                name=shelf.name,
                folder=edition.folder,
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
        return edition.folder

    return put


def test_the_last_one_finished_is_current(shelf, add):
    """Whatever its revision; and each is found by its name."""
    first, second = add("1" * 40, 1), add("2" * 40, 2)
    assert shelf.find() == shelf.root / second == shelf.root / "wiki-22222222-aaaaaa"
    assert shelf.find(first) == shelf.root / first


def test_a_sample_is_current_only_where_there_is_nothing_else(shelf, add):
    """A look at a thousand articles must not take the place of all of them."""
    add("1" * 40, 1, "b" * 40, sample=True)
    assert shelf.current.sample
    whole = add("1" * 40, 2)
    add("3" * 40, 3, "b" * 40, sample=True)
    assert shelf.current.folder == whole


def outdated(shelf, keep):
    """Return the folders of the revisions that need not stay."""
    return [record.folder for record in shelf.list_outdated(keep)]


def test_older_revisions_go_with_what_they_were_made_from(shelf, add, tmp_path):
    """The newest stay; so do other recipes, samples, and sources that another one was made from."""
    old, other, sample = add("1" * 40, 1), add("1" * 40, 2, "b" * 40), add("2" * 40, 3, "c" * 40, sample=True)
    older, newer = add("2" * 40, 4), add("3" * 40, 5)
    assert outdated(shelf, 0) == []
    assert outdated(shelf, 2) == [old]
    assert outdated(shelf, 1) == [older, old]
    for record in shelf.list_outdated(1):
        shelf.remove(record)
    left = {path.name for path in shelf.root.iterdir() if path.is_dir()}
    assert left == {other, sample, newer}
    assert {path.name[0] for path in (tmp_path / "sources").iterdir()} == {"1", "2", "3"}
    assert [record.folder for record in shelf._records()] == sorted([other, sample, newer])


def test_the_editions_of_another_dataset_stay(shelf, add):
    """Another app's, on the same Volume, by the same recipe: its name begins with this one's, or is a pattern."""
    others = [ReleaseIndex(shelf.root, name) for name in ("wiki-test", "wiki-[a]", "w*")]
    theirs = [[add(revision * 40, 1, shelf=other) for revision in "12"] for other in others]
    add("3" * 40, 2)
    assert outdated(shelf, 1) == []
    assert [outdated(other, 1) for other in others] == [[folders[0]] for folders in theirs]
    with pytest.raises(StoreError, match=r"no finished run 'none' .*there are: wiki-33333333-aaaaaa\)"):
        shelf.find("none")


def test_the_current_one_stays_though_others_are_newer(shelf, add):
    """A source that went back to an earlier revision: that one is what readers read."""
    back, newer = add("1" * 40, 1), add("2" * 40, 2)
    shelf.add(next(iter(shelf._records())))
    assert shelf.current.folder == back
    assert outdated(shelf, 1) == [newer]


def test_an_unknown_run_is_named_with_those_there_are(shelf, add):
    """One message, with the names to choose from."""
    with pytest.raises(StoreError, match=r"no finished run 'wiki' .*there are: none"):
        shelf.find()
    there = add("1" * 40, 1)
    with pytest.raises(StoreError, match=f"no finished run 'wiki-x' .*there are: {there}"):
        shelf.find("wiki-x")


def test_what_cannot_be_removed_is_told(shelf, add, monkeypatch):
    """Nobody would look for it later: its record is gone."""

    def refuse(folder):
        raise PermissionError(13, "no", str(folder))

    folder = add("1" * 40, 1)
    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(StoreError, match=f"{folder} could not be removed .*`modal volume rm -r`"):
        shelf.remove(shelf.current)
