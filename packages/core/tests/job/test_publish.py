"""Publishing a dataset that an earlier run made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import vecmill
from vecmill import Options, Publisher
from vecmill.errors import ConfigError, PluginError, PublishError, RunError, StoreError
from vecmill.job.publish import preview, publish
from vecmill.plugins import load
from vecmill.plugins.registry import Registered
from vecmill.store.destination import lock_folder
from vecmill.store.layout import Layout

MOUNTS = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0


@pytest.fixture
def dataset(corpus, job):
    """A finished dataset's folder."""
    return vecmill.run(job(corpus({"id": "1", "text": "Some text."}))).path


def test_a_finished_run_is_published_from_its_folder(dataset, tmp_path):
    """The copy is as good as the original, and named."""
    target = tmp_path / "copy"
    assert publish(dataset, "parquet", {"path": str(target)}) == str(target)
    assert vecmill.verify(target).ok


def test_a_preview_changes_nothing(dataset, tmp_path):
    """A line, and no folder."""
    assert list(preview(dataset, "parquet", {"path": str(tmp_path / "copy")}))
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("unfinished", [False, True])
def test_what_is_no_finished_dataset_is_refused(tmp_path, unfinished):
    """Whether it was never one, or is not finished yet."""
    if unfinished:
        (tmp_path / ".vecmill").mkdir()
    with pytest.raises(StoreError, match="not finished" if unfinished else "vecmill made nothing there"):
        publish(tmp_path, "parquet", {"path": str(tmp_path / "copy")})


def test_what_failed_is_not_published_until_its_job_allows_it(corpus, job, tmp_path):
    """A dataset kept for inspection stays where it is; a higher limit makes it whole, and it is published."""
    path, target = corpus({"id": "1", "text": "Some text."}, {"id": "2", "text": ""}), tmp_path / "copy"
    with pytest.raises(RunError, match="max_quarantine"):
        vecmill.run(job(path))
    (dataset,) = (file.parent for file in tmp_path.rglob("manifest.json"))
    with pytest.raises(PublishError, match=r"1 of 2 documents were quarantined.*raise max_quarantine"):
        publish(dataset, "parquet", {"path": str(target)})
    assert not target.exists()
    vecmill.run(job(path, max_quarantine=0.5))
    publish(dataset, "parquet", {"path": str(target)})
    assert vecmill.verify(target).ok


@pytest.mark.parametrize(("to", "options"), [("parquett", {}), ("parquet", {}), ("parquet", {"path": "x", "pat": "y"})])
def test_a_wrong_publisher_or_option_is_a_configuration_error(dataset, to, options):
    """It names what is wrong."""
    with pytest.raises(ConfigError, match=r"parquet|publisher\."):
        publish(dataset, to, options)


@pytest.mark.fault(
    "plugin",
    "a publisher fails with a library's error, or through its own bug",
    promise="The message names it, the step and the error; the dataset stays, and the same command continues from it.",
)
@pytest.mark.parametrize("step", ["directory", "check", "prepare", "accept", "publish"])
def test_a_publisher_that_fails_is_named_with_the_step(job, corpus, monkeypatch, step):
    """In a run and afterwards; what it says itself, and an interrupt, pass unchanged."""
    frail = type("Frail", (Publisher,), {"name": "frail", "Config": Options, "publish": lambda *_: "here"})
    monkeypatch.setitem(load().registry.entries["publisher"], "frail", Registered(frail, "frail"))
    usual = getattr(frail, step)
    work = job(corpus({"id": "1", "text": "Some text."}), publish=[{"name": "frail"}], name="frail")
    monkeypatch.chdir(work.source.options["path"].rpartition("/")[0])

    def fail(error):
        def failing(*_):
            raise error

        monkeypatch.setattr(frail, step, failing)

    advice = "run the same command again, which resumes.*author"
    told = rf"^the publisher 'frail' failed at {step}\(\): KeyError: 'token': {advice}$"
    for error in (PublishError("no permission"), KeyboardInterrupt()):
        fail(error)
        with pytest.raises(type(error)) as caught:
            vecmill.run(work)
        assert caught.value is error
    fail(KeyError("token"))
    with pytest.raises(PublishError, match=told):
        vecmill.run(work)
    monkeypatch.setattr(frail, step, usual)
    dataset = vecmill.run(work)
    assert dataset.published == ("here",)
    fail(KeyError("token"))
    if step in {"check", "accept", "publish"}:
        with pytest.raises(PublishError, match=told):
            publish(dataset.path, "frail")


READ_ONLY = """
mount --bind "$2" "$2" && mount -o remount,ro,bind "$2" || exit 9
exec "$1" publish "$2" --to parquet --set "path=$3"
"""


@pytest.mark.skipif(not MOUNTS, reason="a disk that cannot be written needs a mount namespace (root on Linux)")
@pytest.mark.fault(
    "publish",
    "the dataset is on a disk that cannot be written",
    promise="It is published from there; vecmill notices a command that changes it meanwhile.",
)
@pytest.mark.parametrize("locks", [False, True])
def test_a_dataset_on_a_read_only_disk_is_published(dataset, tmp_path, locks):
    """Nothing is written there: no lock and no note of one. While a run holds it, it is refused."""
    command = Path(sys.executable).with_name("vecmill")
    arguments = ["unshare", "--mount", "bash", "-c", READ_ONLY, "bash", command, dataset, tmp_path / "copy"]
    environment = {**os.environ, **({"VECMILL_LOCKS": str(tmp_path / "locks")} if locks else {})}

    def run():
        return subprocess.run(arguments, env=environment, check=False, capture_output=True, text=True)

    with lock_folder(Layout(dataset)):
        done = run()
        assert (done.returncode, "another run works in" in done.stderr) == (1, True), done
    done = run()
    assert done.returncode == 0, done
    assert vecmill.verify(tmp_path / "copy").ok


def test_a_publisher_that_returns_no_location_is_named(dataset, monkeypatch):
    """The message does not blame vecmill."""
    silent = type("Silent", (Publisher,), {"name": "silent", "Config": Options, "publish": lambda *_: None})
    monkeypatch.setitem(load().registry.entries["publisher"], "silent", Registered(silent, "silent"))
    with pytest.raises(PluginError, match=r"the publisher 'silent' gave NoneType, not str, at publish\(\): report"):
        publish(dataset, "silent")
