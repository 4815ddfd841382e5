"""Leases: of all who want a folder one has it, until its work is over or it is dead."""

import contextvars
import queue
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import modal
import pytest

from doubles.modal import Plane
from vecmill.errors import ConfigError, RunError, StoreError
from vecmill_modal_runtime import app, driver, leases, volume
from vecmill_modal_runtime.dispatch import Outcome
from vecmill_modal_runtime.driver import Driver
from vecmill_modal_runtime.leases import FolderEntries, FolderLease, Lease, hold_lease
from vecmill_modal_runtime.options import ModalOptions
from vecmill_modal_runtime.runtime import ModalRuntime

WAITING = "an earlier run of {} has not reported its end: waiting for a heartbeat, for {} seconds at most"


@pytest.fixture(scope="module")
def entries():
    """The leases on a Volume: the real client's Dict, at the control plane's double."""
    with Plane() as plane, pytest.MonkeyPatch.context() as patch:
        for name, value in plane.environment.items():
            patch.setenv(name, value)
        with modal.Client.from_credentials("ak-rehearsal", "as-rehearsal") as client:
            yield modal.Dict.from_name("vecmill-leases", create_if_missing=True, client=client)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Write heartbeats often, and believe the dead to be dead soon; the living have long enough in any test."""
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(leases, "SILENT_SECONDS", 60)


@pytest.fixture
def hasty(monkeypatch):
    """Believe an owner to be dead at once."""
    monkeypatch.setattr(leases, "SILENT_SECONDS", 0)


def take(entries, folder, say=lambda _: None):
    """Take a folder, and have no heartbeat, as a run that is killed."""
    taken = Lease(folder, "embed", entries)
    taken.take(say)
    return taken


def test_of_many_at_once_one_proceeds(entries):
    """Ten begin together, on a new folder and on one whose run has ended: one has it, nine are told."""
    for number in range(4):
        begin, over, had = threading.Barrier(10), threading.Event(), queue.Queue()

        def run(folder, begin=begin, over=over, had=had):
            begin.wait()
            try:
                with hold_lease(folder, "embed", lambda _: None, entries):
                    had.put("it")
                    over.wait()
            except StoreError as error:
                had.put(str(error))

        threads = [threading.Thread(target=run, args=(f"together-{number % 2}",)) for _ in range(10)]
        for thread in threads:
            thread.start()
        answers = sorted(had.get(timeout=100) for _ in threads)
        over.set()
        for thread in threads:
            thread.join()
        assert answers[9] == "it"
        assert all("another run works on together-" in answer for answer in answers[:9])


def test_the_second_is_told_who_has_it_and_the_next_one_has_it(entries, monkeypatch):
    """Refused on the first heartbeat, with what, where and since when; after a normal end there is no wait."""
    monkeypatch.setenv("MODAL_TASK_ID", "ta-7")
    said = []
    with (
        hold_lease("ended", "refresh", said.append, entries),
        pytest.raises(StoreError, match=r"\(refresh in container ta-7, since 20.*modal app stop"),
    ):
        contextvars.Context().run(take, entries, "ended", said.append)
    assert said == [WAITING.format("ended", 60)]
    for _ in range(3):
        with hold_lease("ended", "embed", said.append, entries):
            pass
    assert len(said) == 1


@pytest.fixture
def runtime(entries, monkeypatch, cloud, receipt):
    """The runtime in a container of an app whose workers have each shard done at once."""
    monkeypatch.setattr(leases, "open_entries", lambda: entries)
    monkeypatch.setattr(volume, "commit", lambda: None)
    monkeypatch.setattr(volume, "reload", lambda: None)
    done = cloud(lambda task: Outcome(index=task.index, receipt=receipt(task.index)).model_dump_json())
    worker = SimpleNamespace(do=SimpleNamespace(map=lambda feed, **_: done(feed)))
    monkeypatch.setattr(app, "find_worker", lambda _: lambda **_: worker)
    return ModalRuntime(ModalOptions(max_cost_usd="none"))


def test_a_run_without_a_driver_has_its_folder_to_itself(entries, runtime):
    """Who calls ``vecmill.run`` in an app of one's own need not know of leases; one that is there already is enough."""
    folder = Path("/mnt/vecmill/mine/one")
    with runtime.lease(folder):
        with runtime.lease(folder):
            pass
        with pytest.raises(StoreError, match=r"another run works on mine/one \(run in container"):
            contextvars.Context().run(take, entries, "mine/one")
    take(entries, "mine/one")


def test_a_run_whose_folder_another_one_has_by_now_ends(entries, runtime, hasty, tasks):
    """With its next shard; the shards that are done until then count."""
    lease = runtime.lease(Path("/mnt/vecmill/lost"))
    with lease:
        outcomes = runtime.map(tasks(3), lambda _: None)
        assert next(outcomes).index == 2
        lease.check()
        contextvars.Context().run(take, entries, "lost")
        lease._lease.beat()
        assert next(outcomes).index == 1
        with pytest.raises(RunError, match="another run has gone on with lost meanwhile"):
            lease.check()


def test_a_folder_that_no_other_container_sees_is_refused(runtime):
    """The workers would write where the driver does not look."""
    with pytest.raises(ConfigError, match=r"/root/out, which no other .* path begin with /mnt/vecmill/"):
        runtime.lease(Path("/root/out"))


def test_an_old_edition_that_a_run_works_on_is_not_removed(entries, monkeypatch):
    """It stays until the next refresh, and the refresh does not fail for it; the others go."""
    removed, said = [], []
    old = [SimpleNamespace(folder=folder) for folder in ("old-1", "old-2")]
    shelf: Any = SimpleNamespace(
        list_outdated=lambda keep: old[keep:], remove=lambda record: removed.append(record.folder)
    )
    monkeypatch.setattr(driver, "commit", lambda: None)
    monkeypatch.setattr(leases, "open_entries", lambda: entries)
    with hold_lease("runs/old-1", "embed", print, entries):
        contextvars.Context().run(Driver(ModalOptions(), list, said.append)._prune, shelf, 0)
    assert removed == ["old-2"]
    assert any(line.startswith("old-1 stays for now: another run works on runs/old-1") for line in said)


def test_other_editions_are_free(entries):
    """Of one dataset too."""
    with hold_lease("w-1", "embed", print, entries), hold_lease("w-2", "embed", print, entries):
        pass


@pytest.mark.fault(
    "modal",
    "a run that works on a dataset is out of memory, or its app is stopped",
    promise="Nobody ends its lease. The next run waits a minute for a heartbeat, and then continues.",
)
def test_a_dead_owner_makes_room(entries, hasty):
    """It was killed, and has ended nothing. Who then has it keeps it from all others."""
    said = []
    take(entries, "killed")
    second = take(entries, "killed", said.append)
    assert said == [WAITING.format("killed", 0)]
    second.end()
    take(entries, "killed", said.append)
    assert len(said) == 1


def test_the_container_in_a_dead_ones_place_goes_on_at_once(entries, monkeypatch):
    """Modal gives it the same input; there is nobody to wait for."""
    monkeypatch.setattr(modal, "current_input_id", lambda: "in-1")
    take(entries, "preempted")
    take(entries, "preempted", pytest.fail)


@pytest.mark.fault(
    "modal",
    "a driver stands still for more than a minute, and another run considers it dead",
    promise="The other run takes the dataset; the first ends with its next shard, and says why.",
)
def test_one_that_only_slept_ends_its_run(entries, hasty):
    """Taken for dead, it neither takes the folder back nor goes on with it, and does not end the other's lease."""
    slept = take(entries, "slept")
    other = take(entries, "slept")
    slept.check()
    slept.beat()
    with pytest.raises(RunError, match="another run has gone on with slept meanwhile"):
        slept.check()
    slept.end()
    assert FolderEntries("slept", entries).last() == (2, other._entry)


def test_who_watched_the_dead_for_too_long_does_not_take_what_others_have(entries, hasty):
    """Meanwhile others took the folder, ended, and took it again."""
    take(entries, "late")
    late = Lease("late", "embed", entries)
    vacant = late._wait_until_vacant(lambda _: None)
    take(entries, "late").end()
    with hold_lease("late", "embed", print, entries):
        vars(late)["_wait_until_vacant"] = lambda _: vacant
        with pytest.raises(StoreError, match="another run works on late"):
            late.take(print)
        assert FolderEntries("late", entries).last()[0] == 3


def test_a_finished_run_does_not_fail_for_its_lease(entries):
    """Modal cannot be reached any more when it ends: nothing is raised."""
    with hold_lease("unreachable", "embed", print, entries) as held:
        vars(held)["_entries"] = None


def test_a_run_sees_what_the_one_before_left_and_leaves_what_it_did(entries, monkeypatch):
    """The Volume is reloaded once the folder is the run's own, and committed while it is, also by one that fails."""
    steps: list[Any] = []

    def over():
        entry = FolderEntries("seen", entries).last()[1]
        return entry is not None and entry["over"]

    monkeypatch.setattr(leases, "open_entries", lambda: entries)
    monkeypatch.setattr(volume, "reload", lambda: steps.append(("reload", over())))
    monkeypatch.setattr(volume, "commit", lambda: steps.append(("commit", over())))
    with FolderLease(volume.MOUNT / "seen", "run", print):
        steps.append("work")
    assert over()
    with pytest.raises(ZeroDivisionError), FolderLease(volume.MOUNT / "seen", "run", print):
        raise ZeroDivisionError
    assert over()
    assert steps == [("reload", False), "work", ("commit", False), ("reload", False), ("commit", False)]
