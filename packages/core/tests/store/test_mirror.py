"""Tests of vecmill.store.mirror: a copy of a dataset in a folder, and nobody else's files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import vecmill
from small_dataset import small_dataset, small_job
from vecmill.errors import StoreError
from vecmill.store import mirror as module
from vecmill.store.card import BEGIN
from vecmill.store.destination import MirrorNote, lock_folder
from vecmill.store.layout import Layout
from vecmill.store.mirror import Mirror

MOUNTS = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0
PLACES = ".vecmill.places.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A dataset, another content of the same job, and the dataset of another job; not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    old, new = small_dataset(folder, 40), None
    job = small_job(folder, 12, "a", [{"name": "parquet", "path": str(folder / "new")}])
    new = vecmill.run(job)
    return {"old": old, "new": new, "other": small_dataset(folder, 20, "b")}


@pytest.fixture
def old(made, tmp_path):
    """A copy of the old one, to be changed."""
    shutil.copytree(made["old"].path, tmp_path / "old")
    return vecmill.open_dataset(tmp_path / "old")


@pytest.fixture
def there(tmp_path):
    """Where the copy goes."""
    return tmp_path / "there"


def copy(dataset, there, **options):
    """Copy a dataset; return what was reported."""
    told = []
    Mirror(there, **options).receive(dataset.path, dataset.manifest, lambda *counts: told.append(counts))
    return told


def files(folder):
    """Return the content of a folder's files, by path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def assert_copy(dataset, there, *beside):
    """Check that a folder has the files of a dataset, and beside them only these."""
    found, wanted = files(there), files(dataset.path)
    assert found.keys() - {".vecmill.mirror.json", *beside} == wanted.keys()
    assert all(found[name] == wanted[name] for name in wanted)
    assert vecmill.verify(there).ok


def test_a_copy_is_the_dataset_and_again_nothing_is_written(made, there):
    """Byte for byte; a second time no file is touched."""
    copy(made["old"], there)
    assert_copy(made["old"], there)
    before = {path: path.stat().st_mtime_ns for path in there.rglob("*")}
    assert not list(Mirror(there).preview(made["old"].path, made["old"].manifest))
    copy(made["old"], there)
    assert {path: path.stat().st_mtime_ns for path in there.rglob("*")} == before


@pytest.mark.fault(
    "publish",
    "the corpus has shrunk, or changed, since a folder got its copy",
    promise="Old files are removed: the folder has the rows of the new dataset and no others.",
)
def test_what_is_no_longer_part_goes(made, there):
    """Whoever reads all Parquet files of the copy reads the new dataset's rows; nobody is asked."""
    copy(made["old"], there)
    assert len(made["old"].manifest.shards) != len(made["new"].manifest.shards)
    lines = list(Mirror(there).preview(made["new"].path, made["new"].manifest))
    assert [line.split()[0] for line in lines] == ["write", "remove", "write"]
    copy(made["new"], there)
    assert_copy(made["new"], there)
    assert pq.read_table(there / "data").num_rows == made["new"].account.chunks


@pytest.mark.fault(
    "publish",
    "the folder for a copy holds files that vecmill did not write",
    promise="Refused before the work, even with force; nothing is touched.",
)
@pytest.mark.parametrize("name", ["README.md", "manifest.json", "thesis.tex", "data/train-00000-of-00005.parquet"])
@pytest.mark.parametrize("force", [False, True])
def test_a_strangers_folder_is_refused(made, there, name, force):
    """Whatever it is that stands there; before the work, and when it is done."""
    (there / name).parent.mkdir(parents=True)
    (there / name).write_text('{"name": "an app"}')
    mirror = Mirror(there, force=force)
    for act in (mirror.check, lambda: copy(made["old"], there, force=force), lambda: list(preview(mirror, made))):
        with pytest.raises(StoreError, match=rf"{Path(name).parts[0]}.*choose another folder"):
            act()
    assert files(there) == {name: b'{"name": "an app"}'}


def preview(mirror, made):
    """Preview the copy of the old dataset."""
    return mirror.preview(made["old"].path, made["old"].manifest)


@pytest.mark.parametrize("name", ["data/mine.parquet", "data/deep/mine.PARQUET", "quarantine.parquet"])
def test_a_strangers_file_that_would_be_read_as_ours_is_refused(made, there, name):
    """One in the folder of a copy; another file beside the dataset stays where it is."""
    copy(made["old"], there)
    (there / "notes.txt").write_text("mine")
    (there / name).parent.mkdir(exist_ok=True)
    (there / name).write_text("mine")
    new = made["new"]
    if name == "quarantine.parquet":  # it is refused where one would be written
        entry = new.manifest.shards[0].model_copy(update={"path": name})
        new = type(new)(new.path, new.manifest.model_copy(update={"quarantine": entry}))
    before = files(there)
    for force in (False, True):
        with pytest.raises(StoreError, match=rf"did not write \({name}\): move them away"):
            copy(new, there, force=force)
    assert files(there) == before
    (there / name).unlink()
    copy(made["new"], there)
    assert (there / "notes.txt").read_text() == "mine"


@pytest.mark.fault(
    "publish",
    "the folder for a copy holds another vecmill dataset, or an original",
    promise="Refused, unless force = true: it may be the only copy. A refresh of the same copy needs no consent.",
)
def test_another_dataset_is_replaced_with_consent_alone(made, there, tmp_path):
    """A copy of another job's, the original of an earlier content of this one; with force both."""
    original = tmp_path / "original"
    shutil.copytree(made["old"].path, original)
    copy(made["other"], there)
    for folder in (original, there):
        before = files(folder)
        with pytest.raises(StoreError, match=r"holds the run \w{16} of .*publish with force = true"):
            copy(made["new"], folder)
        assert files(folder) == before
        (folder / PLACES).write_text(json.dumps({"run_id": "another", "embedder": {"model": "/x"}}))
        copy(made["new"], folder, force=True)
        assert_copy(made["new"], folder)


def test_a_copy_of_the_same_folder_is_refreshed_whatever_its_job_became(made, old, there):
    """Another recipe in the same folder is what --overwrite asked for."""
    copy(old, there)
    shutil.rmtree(old.path)
    shutil.copytree(made["other"].path, old.path)
    copy(vecmill.open_dataset(old.path), there)
    assert_copy(made["other"], there)


@pytest.mark.parametrize("force", [False, True])
def test_an_unfinished_run_is_replaced_with_consent_alone(made, there, force):
    """What it has done so far is somebody's work."""
    job = small_job(there.parent, 20, "c", [{"name": "parquet", "path": str(there)}])

    def stop(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vecmill.run(job, stop)
    assert (there / ".vecmill" / "run.json").is_file()
    before = files(there)
    if force:
        copy(made["old"], there, force=True)
        assert_copy(made["old"], there)
        return
    with pytest.raises(StoreError, match="holds a run that is not finished"):
        copy(made["old"], there)
    assert files(there) == before


@pytest.mark.fault(
    "publish",
    "a file of the dataset is damaged before it is copied to a folder",
    promise="Refused by name; the folder is unchanged.",
)
@pytest.mark.parametrize("harm", ["gone", "cut", "changed"])
def test_a_damaged_shard_is_not_copied(made, old, there, harm):
    """Into an empty folder, or over an earlier copy."""
    shard = old.path / old.manifest.shards[-1].path
    content = shard.read_bytes()
    shard.unlink()
    if harm != "gone":
        shard.write_bytes(content[:-1] if harm == "cut" else content[:-1] + b"?")
    for earlier in (None, made["new"]):
        if earlier:
            copy(earlier, there, force=True)
        with pytest.raises(StoreError, match=rf"{shard.name} is missing, changed or damaged.*run its job again"):
            copy(old, there, force=True)
        if earlier:
            assert {**files(there), **files(earlier.path)} == files(there)
            assert vecmill.verify(there).ok
        else:
            assert not (there / "manifest.json").exists()


KILLS = """
import itertools, os, shutil, sys
from pathlib import Path
import vecmill
from vecmill.store import mirror

dataset, old, folder = vecmill.open_dataset(sys.argv[1]), *map(Path, sys.argv[2:])
left = [0]

def counted(name):
    real = getattr(mirror, name)
    def act(*arguments, **options):
        if not left[0]:
            os._exit(9)
        left[0] -= 1
        return real(*arguments, **options)
    setattr(mirror, name, act)

for name in ("atomic", "remove_file", "write_bytes", "write_json", "clear_state"):
    counted(name)
for step in itertools.count():
    there = folder / str(step)
    shutil.copytree(old, there)
    child = os.fork()
    if not child:
        left[0] = step
        mirror.Mirror(there).receive(dataset.path, dataset.manifest, lambda *_: None)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


@pytest.mark.fault(
    "publish",
    "a copy is killed at any moment",
    promise="Readers see the complete old dataset, no manifest, or the complete new one; the same command finishes.",
)
def test_a_copy_that_is_killed_anywhere_goes_on(made, tmp_path):
    """At each step: what a manifest names is there, byte for byte, and the next copy is the new dataset's."""
    (tmp_path / "killed").mkdir()
    copy(made["old"], tmp_path / "before")
    arguments = [made["new"].path, tmp_path / "before", tmp_path / "killed"]
    subprocess.run([sys.executable, "-c", KILLS, *arguments], check=True)
    seen, steps = set(), list((tmp_path / "killed").iterdir())
    for there in steps:
        if (there / "manifest.json").exists():
            assert vecmill.verify(there).ok
            seen.add(vecmill.open_dataset(there).manifest.run_id)
        else:
            seen.add("")
            with pytest.raises(StoreError, match="publish to it again"):
                vecmill.open_dataset(there)
        copy(made["new"], there)
        assert_copy(made["new"], there)
    assert seen == {made["old"].manifest.run_id, "", made["new"].manifest.run_id}
    assert len(steps) > len(made["new"].manifest.shards) + len(made["old"].manifest.shards)


def test_what_an_interrupted_copy_has_copied_is_not_copied_again(made, there, monkeypatch):
    """Each shard is read once."""
    real, copied = Mirror._copy, []

    def frail(self, source, target, entry):
        if len(copied) == 3:
            raise KeyboardInterrupt
        copied.append(source.name)
        real(self, source, target, entry)

    monkeypatch.setattr(Mirror, "_copy", frail)
    with pytest.raises(KeyboardInterrupt):
        copy(made["old"], there)
    copied.append("interrupted")
    copy(made["old"], there)
    assert len(copied) == len(set(copied)) == len(made["old"].manifest.shards) + 1


def test_an_unfinished_copy_is_not_a_runs_folder(made, there, monkeypatch):
    """A run is refused there, and replaces it with --overwrite; then the folder is its own, and no copy."""

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Mirror, "_switch", stop)
    with pytest.raises(KeyboardInterrupt):
        copy(made["old"], there)
    job = small_job(there.parent, 20, "c", [{"name": "parquet", "path": str(there)}])
    with pytest.raises(StoreError, match="holds a copy of a dataset that is not finished"):
        vecmill.run(job)
    dataset = vecmill.run(job, overwrite=True)
    assert not (there / ".vecmill.mirror.json").exists()
    with pytest.raises(StoreError, match="force = true"):
        copy(made["old"], there)
    assert vecmill.verify(dataset.path).ok


@pytest.mark.parametrize("spelling", ["relative", "link", "dots", "itself"])
def test_the_same_folder_is_left_alone_however_it_is_written(old, tmp_path, monkeypatch, spelling):
    """Nothing is copied onto itself."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(old.path)
    place = {"relative": Path("old"), "link": tmp_path / "link", "dots": tmp_path / "x" / ".." / "old"}
    (tmp_path / "x").mkdir()
    before = files(old.path)
    copy(old, place.get(spelling, old.path), force=True)
    assert files(old.path) == before


@pytest.mark.parametrize("inside", ["data/copy", "copy", ".", "link/copy"])
def test_a_folder_in_the_dataset_or_around_it_is_refused(old, tmp_path, inside):
    """By any way into it; with force too."""
    (tmp_path / "link").symlink_to(old.path)
    place = {".": tmp_path, "link/copy": tmp_path / "link" / "copy"}.get(inside, old.path / inside)
    before = files(old.path)
    with pytest.raises(StoreError, match=r"files in common|is not empty"):
        copy(old, place, force=True)
    assert files(old.path) == before


def test_a_folder_whose_data_is_the_datasets_own_is_refused(old, made, there):
    """By a link: what is no longer part of the copy would be the original's."""
    copy(made["new"], there)
    shutil.rmtree(there / "data")
    (there / "data").symlink_to(old.path / "data")
    before = files(old.path)
    with pytest.raises(StoreError, match="files in common"):
        copy(old, there, force=True)
    assert files(old.path) == before


def test_hard_links_and_links_to_the_original_are_not_written_through(made, old, there):
    """A copy that shares its files with something else gets files of its own."""
    copy(old, there)
    names = [entry.path for entry in old.manifest.shards]
    for name in names:
        (there / name).unlink()
        (there / name).symlink_to(old.path / name)
    copy(old, there)
    assert not any((there / name).is_symlink() for name in names)
    kept = there.parent / "kept"
    subprocess.run(["cp", "-al", there, kept], check=True)
    before = files(kept)
    copy(made["new"], there)
    assert files(kept) == before
    assert_copy(made["new"], there)


def test_read_only_files_and_a_data_folder_elsewhere_are_no_hindrance(made, there, tmp_path):
    """A data folder may be a link to another disk; it stays one."""
    copy(made["old"], there)
    (there / "data").rename(tmp_path / "disk")
    (there / "data").symlink_to(tmp_path / "disk")
    for path in (tmp_path / "disk").iterdir():
        path.chmod(0o400)
    copy(made["new"], there)
    assert (there / "data").is_symlink()
    assert vecmill.verify(there).ok
    assert len(list((tmp_path / "disk").iterdir())) == len(made["new"].manifest.shards)


def test_a_folder_that_vanishes_is_noticed(made, there, monkeypatch):
    """Before a manifest is written that names what is not there; the next copy makes it anew."""
    real = Mirror._card

    def vanish(self, *arguments):
        shutil.rmtree(there)
        return real(self, *arguments)

    monkeypatch.setattr(Mirror, "_card", vanish)
    with pytest.raises(StoreError, match=r"cannot write .*there"):
        copy(made["old"], there)
    assert not (there / "manifest.json").exists()
    monkeypatch.undo()
    copy(made["old"], there)
    assert_copy(made["old"], there)


def test_one_at_a_time_copies_into_a_folder(made, there):
    """The second is refused, and the first is not disturbed."""
    with lock_folder(Layout(there)), pytest.raises(StoreError, match="another run works in"):
        copy(made["old"], there)
    assert list(there.iterdir()) == []


FULL = """
mount -t tmpfs -o size=24k tmpfs "$2" || exit 99
"$1" publish "$3" --to parquet --set "path=$2"; code=$?
find "$2" -type f | sed "s,$2/,," | sort >"$4"; exit $code
"""


@pytest.mark.skipif(not MOUNTS, reason="a small disk needs a mount namespace (root on Linux)")
@pytest.mark.fault(
    "publish",
    "the disk of a folder that gets a copy is full",
    promise="One message, no half file and no manifest; once there is space, the same command continues.",
)
def test_a_full_disk_leaves_no_half_file(made, there, tmp_path):
    """On a file system of its own, which is smaller than the dataset."""
    there.mkdir()
    command = Path(sys.executable).with_name("vecmill")
    arguments = ["unshare", "--mount", "bash", "-c", FULL, "bash", command, there, made["old"].path, tmp_path / "list"]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert done.returncode == 1, done
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr
    left = (tmp_path / "list").read_text().splitlines()
    assert ".vecmill.mirror.json" in left
    assert not [name for name in left if name.endswith((".partial", "manifest.json"))]


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    """A file where the folder should be, or above it, and a link to nothing."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for place in (tmp_path / "file", tmp_path / "file" / "deep" / "er", tmp_path / "link"):
        with pytest.raises(StoreError, match="cannot be written"):
            Mirror(place).check()
    Mirror(tmp_path / "not" / "yet" / "there").check()
    assert not (tmp_path / "not").exists()


def write_own(folder, text):
    """Write a user's own words into a card."""
    card = folder / "README.md"
    card.write_text(card.read_text().replace(BEGIN, f"{BEGIN}\n{text}"))


def test_a_users_own_words_stay_in_the_copy(made, old, there):
    """Those of the original are copied, until others are written in the copy."""
    write_own(old.path, "Of the original.")
    copy(old, there)
    assert_copy(old, there)
    card = old.path / "README.md"
    card.write_text(card.read_text().replace("Of the original.", "Changed there."))
    copy(old, there)
    assert "Changed there." in (there / "README.md").read_text()
    mine = there / "README.md"
    mine.write_text(mine.read_text().replace("Changed there.", r"Mine, \1 and all."))
    for _ in range(2):
        copy(made["new"], there)
        assert r"Mine, \1 and all." in mine.read_text()
        assert mine.read_text().count("Changed there.") == 0


def test_a_card_that_is_missing_is_made(made, old, there):
    """From the manifest."""
    (old.path / "README.md").unlink()
    copy(old, there)
    assert (there / "README.md").read_text() == (made["old"].path / "README.md").read_text()


def test_a_note_from_elsewhere_has_nothing_else_removed(made, there):
    """A folder's note may name files of a dataset alone."""
    copy(made["old"], there)
    (there / "thesis.tex").write_text("years of work")
    note = MirrorNote.model_validate_json((there / ".vecmill.mirror.json").read_bytes())
    for name in ("thesis.tex", "../old/manifest.json", "/etc/passwd", "data/../thesis.tex", "data/.x.parquet"):
        forged = note.model_copy(update={"files": (*note.files, name)})
        (there / ".vecmill.mirror.json").write_text(forged.model_dump_json())
        with pytest.raises(StoreError, match="force = true"):
            copy(made["new"], there)
    copy(made["new"], there, force=True)
    assert (there / "thesis.tex").read_text() == "years of work"


def test_a_manifest_that_names_other_files_is_not_copied(made, there):
    """Its paths are inside of the folder, but not those of a dataset."""
    shard = made["old"].manifest.shards[0]
    for name in ("README.md", "notes/x.parquet", "data/x.txt"):
        odd = made["old"].manifest.model_copy(update={"shards": [shard.model_copy(update={"path": name})]})
        with pytest.raises(StoreError, match=f"no file of a dataset is at {name}"):
            Mirror(there).receive(made["old"].path, odd, lambda *_: None)
    assert not there.exists() or not any(there.iterdir())


def test_a_long_copy_reports_how_far_it_is(made, there, monkeypatch):
    """In bytes, up to the last."""
    assert copy(made["old"], there) == []
    shutil.rmtree(there)
    monkeypatch.setattr(module, "REPORTED_BYTES", 1)
    told = copy(made["old"], there)
    total = sum(entry.bytes for entry in made["old"].manifest.shards)
    assert [told[0], told[-1]] == [(0, total), (total, total)]
    assert len(told) == len(made["old"].manifest.shards) + 1


@pytest.mark.skipif(os.name == "nt", reason="modes")
def test_no_folder_of_this_machine_is_named_by_a_copy(made, there):
    """It may be passed on."""
    copy(made["old"], there)
    assert str(made["old"].path.parent).encode() not in b"".join(files(there).values())


@pytest.mark.parametrize("name", [".vecmill.mirror.json", ".vecmill/run.json", "manifest.json"])
@pytest.mark.parametrize("content", ["", "{}", "[1]", "not JSON"])
def test_a_damaged_file_vouches_for_nothing(made, there, name, content):
    """A name alone makes no folder ours: neither for a copy nor for a run, with consent to replace ours."""
    (there / name).parent.mkdir(parents=True)
    (there / name).write_text(content)
    (there / "README.md").write_text("# Mine")
    job = small_job(there.parent, 20, "c", [{"name": "parquet", "path": str(there)}])
    for act in (lambda: copy(made["old"], there, force=True), lambda: vecmill.run(job, overwrite=True)):
        with pytest.raises(StoreError, match="choose another folder"):
            act()
    assert files(there) == {name: content.encode(), "README.md": b"# Mine"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_in_the_place_of_a_shard_is_a_damaged_one(old, there):
    """Nobody waits for its other end."""
    shard = old.path / old.manifest.shards[1].path
    shard.unlink()
    os.mkfifo(shard)
    end = os.open(shard, os.O_RDWR)  # without the check it would be read, and never end
    os.write(end, b"x")
    try:
        with pytest.raises(StoreError, match="is missing, changed or damaged"):
            copy(old, there)
        assert os.read(end, 1) == b"x"
    finally:
        os.close(end)
