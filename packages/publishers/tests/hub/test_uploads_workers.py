"""Workers send their own shards: the driver commits what it never held."""

import pytest

from doubles.hub import Disturbance
from vecmill import run
from vecmill.errors import PublishError
from vecmill.records import RunStarted, Sent, ShardDone
from vecmill.store.layout import Layout
from vecmill.store.state import read_sent

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def job(small_job):
    """Make a job whose workers send; keywords are further options of the publisher."""

    def make(**options):
        folder, hub = small_job.publish
        hub = hub.model_copy(update={"options": {**hub.options, "from_workers": True, **options}})
        return small_job.model_copy(update={"publish": [folder, hub]})

    return make


@pytest.fixture
def shipped(publisher):
    """Send every shard of a dataset as its workers would, remove it, and return what the driver is told."""

    def ship(dataset, **options):
        found, options = [], {"from_workers": True, **options}
        for entry in dataset.manifest.shards:
            worker = publisher(**options)
            ready = worker.prepare()
            note = worker.send(dataset.path, entry, ready)
            found.append(Sent(publisher="hub", sha256=entry.sha256, note=note))
            (dataset.path / entry.path).unlink()
        return found

    return ship


def test_the_driver_commits_shards_and_variants_without_their_files(hub, publisher, dataset, shipped, complete):
    """Shards that are not on the driver's machine, and the smaller vectors that workers made of them."""
    hub.xet.apart = True
    options = {"vectors": ("float16", "int8")}
    notes = shipped(dataset, **options)
    assert all(len(note.model_dump_json()) < 1000 for note in notes)
    sent = len(hub.uploads)
    driver = publisher(**options)
    driver.accept(notes)
    plan = "\n".join(driver.preview(dataset.path, dataset.manifest))
    assert plan.count("commit what a worker sent: data/run-") == 3 * len(notes)
    driver.publish(dataset.path, dataset.manifest)
    assert complete(dataset)
    assert len(hub.uploads) == sent
    assert sum("/float16/" in path or "/int8/" in path for path in hub.find("dataset", "user/name").files("main")) == (
        2 * len(notes)
    )


def test_without_the_setting_workers_send_nothing(publisher, hub):
    """The default: nothing is created before there is something to publish."""
    assert publisher().prepare() is None
    assert not hub.requests


def test_a_shard_that_is_not_there_cannot_be_sent(publisher, dataset):
    """It names the file and the folder."""
    entry = dataset.manifest.shards[0]
    (dataset.path / entry.path).unlink()
    with pytest.raises(PublishError, match=rf"{entry.path} cannot be sent to user/name: there is no such file"):
        publisher().send(dataset.path, entry, {})


@pytest.mark.fault(
    "publish",
    "the Hub is busy (429, 503) while a worker sends a shard",
    promise="The worker does not wait, because its machine may cost money: the driver sends the shard when the work "
    "is done, and waits as long as the Hub asks.",
)
@pytest.mark.parametrize("path", ["/preupload/", "/objects/batch$", r"^/upload/"])
def test_a_worker_does_not_wait_for_a_busy_hub(hub, job, naps, complete, way, path):
    """At any of the requests of an upload: the next shards are sent by their workers again."""
    if way == "xet" and path != "/preupload/":
        pytest.skip("not on the way: the Xet client sends by itself")
    limited = {"ratelimit": '"api";r=0;t=555'}
    hub.disturbances = [
        Disturbance("", path, 429, headers=limited),
        Disturbance("", path, 503, headers={"Retry-After": "777"}),
    ]
    receipts = []

    def observe(event):
        if isinstance(event, ShardDone):
            receipts.append(event.receipt)
            assert not [nap for nap in naps if nap > 100]

    dataset = run(job(), observe)
    left = [receipt.unsent for receipt in receipts if receipt.unsent]
    assert len(left) == 2
    for (reason,), status in zip(left, (429, 503), strict=True):
        assert f"the Hub is busy ({status}), and a worker does not wait for it" in reason
    assert complete(dataset)


@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_what_was_sent_is_not_sent_again_after_a_failure(hub, job, naps, complete, tmp_path):
    """The commit fails for good: the same job again sends nothing, commits, and forgets what was sent."""
    hub.disturbances = [Disturbance("POST", "/commit/", 503, times=1000)]
    with pytest.raises(PublishError):
        run(job())
    hub.disturbances, sent = [], len(hub.uploads)
    kept = read_sent(Layout(tmp_path / "out"))
    dataset = run(job())
    assert {each.sha256 for each in kept} == {entry.sha256 for entry in dataset.manifest.shards}
    assert len(hub.uploads) == sent > 0
    assert complete(dataset)
    assert not read_sent(Layout(tmp_path / "out"))


@pytest.mark.fault(
    "publish",
    "a run whose workers publish is interrupted",
    promise="No shard is sent twice.",
)
@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_an_interrupted_run_goes_on_without_sending_a_shard_twice(hub, job, complete):
    """Receipts on disk say what was sent: only the shards that were not done are done and sent."""

    def interrupt(event):
        if isinstance(event, ShardDone) and event.receipt.index == 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(job(), interrupt)
    begun = len(hub.uploads)
    assert begun
    dataset = run(job())
    assert complete(dataset)
    sent = [request.path for request in hub.uploads]
    assert len(sent) == len(set(sent)) > begun
    batches = [request for request in hub.requests if request.path.endswith("/objects/batch")]
    assert len(batches) == len(dataset.manifest.shards)


@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_a_worker_that_cannot_send_leaves_it_to_the_driver(hub, job, token, complete):
    """One shard is refused: the run is told why, and the publisher sends that shard itself."""
    told = []
    hub.disturbances = [Disturbance("POST", "/objects/batch$", 403, message="no, not now")]
    dataset = run(job(), told.append)
    unsent = [event.receipt.unsent for event in told if isinstance(event, ShardDone) and event.receipt.unsent]
    assert len(unsent) == 1
    assert "no, not now" in unsent[0][0]
    assert complete(dataset)
    batches = [request for request in hub.requests if request.path.endswith("/objects/batch")]
    assert len(batches) == len(dataset.manifest.shards) + 1


@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_workers_without_a_token_say_so_and_the_driver_sends(hub, job, monkeypatch, complete):
    """The driver's own token never travels: machines that lack one leave every shard to the driver."""
    told = []

    def observe(event):
        told.append(event)
        if isinstance(event, RunStarted):
            monkeypatch.delenv("HF_TOKEN")

    dataset = run(job(), observe)
    unsent = [event.receipt.unsent for event in told if isinstance(event, ShardDone)]
    assert len(unsent) == len(dataset.manifest.shards)
    assert all("needs a token" in why for (why,) in unsent)
    assert complete(dataset)


@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_what_the_hub_has_thrown_away_is_sent_by_the_driver(hub, publisher, made, dataset, shipped, complete):
    """Bytes that nobody committed are gone: sent again where the files are, else it says what to do."""
    notes = shipped(dataset)
    for note in notes:
        hub.store.find(note.sha256).unlink()
    driver = publisher()
    driver.accept(notes)
    with pytest.raises(PublishError, match="`vecmill run` with the job makes them again"):
        driver.publish(dataset.path, dataset.manifest)
    driver = publisher()
    driver.accept(notes)
    driver.publish(made.path, made.manifest)
    assert complete(made)


def test_notes_of_another_repo_are_not_taken_for_this_one(publisher, dataset, shipped, complete):
    """A job that was first meant for another repo."""
    hub_other = shipped(dataset, repo="lab/name")
    driver = publisher()
    driver.accept(hub_other)
    with pytest.raises(PublishError, match="are missing"):
        driver.publish(dataset.path, dataset.manifest)
