"""Tests of vecmill.store.state: the register of this user's runs, what workers sent, and ids that are there twice."""

import stat
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import vecmill
from vecmill.records import ComponentSpec, Sent
from vecmill.store import state as ids
from vecmill.store.layout import Layout
from vecmill.store.state import UserRun, add_sent, find_run, read_sent, register_run

RUN = "0123456789abcdef"
SPEC = ComponentSpec(name="tei", options={"url": "http://127.0.0.1:1", "model": "a/b"})


@pytest.fixture
def state(tmp_path, monkeypatch):
    """A register with nothing in it."""
    monkeypatch.setenv("VECMILL_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_run_is_known_once_it_is_registered_and_for_its_user_alone(state):
    """Another run is not; nobody else may look into the folder."""
    assert find_run(RUN) is None
    register_run(RUN, SPEC)
    assert find_run(RUN) == SPEC
    assert find_run(RUN[::-1]) is None
    assert stat.S_IMODE((state / "runs").stat().st_mode) == 0o700
    assert [path.name for path in (state / "runs").iterdir()] == [f"{RUN}.json"]


@pytest.mark.parametrize("run_id", ["../../x", "", "x" * 16, RUN.upper(), f"{RUN}\n", RUN + "0"])
def test_a_name_that_is_no_runs_leads_nowhere(state, run_id):
    """A manifest may call its run anything."""
    register_run(run_id, SPEC)
    assert find_run(run_id) is None
    assert not state.exists()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"run_id": 1}', b'{"run_id": "fedcba9876543210", "embedder": {"name": "x"}}']
)
def test_a_damaged_entry_is_none_and_is_written_anew(state, content):
    """Nor is one that speaks of another run."""
    register_run(RUN, SPEC)
    (state / "runs" / f"{RUN}.json").write_bytes(content)
    assert find_run(RUN) is None
    register_run(RUN, SPEC)
    assert find_run(RUN) == SPEC


def test_a_run_is_finished_where_nothing_can_be_registered(job, corpus, tmp_path, monkeypatch):
    """A home that is no folder costs the user a word at the first search, and not the run."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VECMILL_STATE", str(tmp_path / "file"))
    dataset = vecmill.run(job(corpus({"id": "1", "text": "one"})))
    assert dataset.account.documents_embedded == 1
    assert find_run(dataset.manifest.run_id) is None


@pytest.mark.parametrize(
    ("variables", "place"),
    [({"XDG_STATE_HOME": "xdg"}, "xdg/vecmill"), ({}, "home/.local/state/vecmill")],
)
def test_without_a_word_the_register_is_where_the_system_keeps_such_things(tmp_path, monkeypatch, variables, place):
    """As the XDG specification has it."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("VECMILL_STATE")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in variables.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    register_run(RUN, SPEC)
    assert (tmp_path / place / "runs" / f"{RUN}.json").is_file()


@pytest.mark.parametrize("variables", [{"XDG_STATE_HOME": "state"}, {"HOME": "."}])
def test_no_register_is_looked_for_in_the_current_folder(tmp_path, monkeypatch, variables):
    """It may be the folder of a download, which would say what a stranger likes."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("VECMILL_STATE")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for folder in ("state", ".local/state"):
        runs = tmp_path / folder / "vecmill" / "runs"
        runs.mkdir(parents=True)
        (runs / f"{RUN}.json").write_text(UserRun(run_id=RUN, embedder=SPEC).model_dump_json())
    monkeypatch.chdir(tmp_path)
    assert find_run(RUN) is None


SENT = Sent(publisher="hub", sha256="0" * 64, note={})
RECEIPT: Any = SimpleNamespace(sent=(SENT,))


def test_of_a_damaged_note_nothing_was_sent_and_the_next_one_takes_its_place(tmp_path):
    """Publishers ask their place, and send again what is not there: nobody is stopped by it."""
    layout = Layout(tmp_path)
    add_sent(layout, [RECEIPT])
    assert read_sent(layout) == (SENT,)
    layout.sent.write_bytes(b"{")
    assert read_sent(layout) == ()
    add_sent(layout, [RECEIPT])
    assert read_sent(layout) == (SENT,)


def write(layout, index, count, names, refused=()):
    """Write a shard's ids, and its rows, as a worker would."""
    ids.write_ids(layout, index, [*names, *refused])
    layout.data.mkdir(exist_ok=True)
    pq.write_table(pa.table({"id": [name for name in names for _ in range(2)]}), layout.shard(index, count))


def test_an_id_in_two_shards_is_a_duplicate_in_the_later_one(tmp_path):
    """The first shard keeps the document; each later one is told to set its own aside."""
    layout = Layout(tmp_path)
    for index, names in enumerate([["a", "b"], ["c"], ["b", "d"], ["b", "c"]]):
        write(layout, index, 4, names)
    assert ids.find_duplicates(layout, range(4), 4) == {2: ["b"], 3: ["b", "c"]}


def test_a_document_that_was_refused_counts_and_one_that_was_never_read_does_not(tmp_path):
    """Both are in quarantine; the ids of the shard tell which is which."""
    layout = Layout(tmp_path)
    layout.shard_quarantine(0).parent.mkdir(parents=True)
    pq.write_table(pa.table({"id": ["refused", "blank", None]}), layout.shard_quarantine(0))
    write(layout, 0, 3, ["a"], refused=["refused"])
    write(layout, 1, 3, ["blank", "refused"])
    write(layout, 2, 3, ["blank"])
    assert ids.find_duplicates(layout, range(3), 3) == {1: ["refused"], 2: ["blank"]}


def test_equal_hashes_of_different_ids_are_no_duplicates(tmp_path, monkeypatch):
    """When two ids collide in 64 bits, the ids themselves decide."""
    monkeypatch.setattr(ids, "hash_ids", lambda names: np.zeros(len(list(names)), np.uint64))
    layout = Layout(tmp_path)
    write(layout, 0, 2, ["a"])
    write(layout, 1, 2, ["b"])
    assert ids.find_duplicates(layout, range(2), 2) == {}


def test_no_shards_have_no_duplicates(tmp_path):
    """Nothing in, nothing out."""
    assert ids.find_duplicates(Layout(tmp_path), [], 0) == {}


@pytest.mark.parametrize("room", [1, 3, 50, 1000])
def test_hashes_are_compared_in_parts_that_miss_none(tmp_path, monkeypatch, room):
    """Whatever fits at a time, every hash is in one part, beside its equals, and the same duplicates are found."""
    layout = Layout(tmp_path)
    names = [[str(number) for number in range(100 * index, 100 * index + 110)] for index in range(4)]
    for index, each in enumerate(names):
        write(layout, index, 4, each)
    monkeypatch.setattr(ids, "ROOM", room)
    parts = list(ids._parts(layout, range(4)))
    assert np.array_equal(np.concatenate(parts), np.sort(ids.hash_ids(name for each in names for name in each)))
    assert len(parts) == -(-440 // room)
    assert ids.find_duplicates(layout, range(4), 4) == {index: names[index][:10] for index in (1, 2, 3)}
