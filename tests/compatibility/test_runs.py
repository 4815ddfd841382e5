"""Runs that the version before left half finished: the same command goes on with them, to the same bytes."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from compatibility.jobs import JOBS, make_job
from compatibility.results import describe
from vecmill import run, verify


def shards(folder):
    """Return the shards of a folder, with what shows whether a file was written again."""
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in (folder / "data").iterdir()}


def check(dataset, expected, hashes):
    """Compare a dataset with that of an undisturbed run; files only with the pyarrow that they were written with."""
    found = describe(dataset)
    if pa.__version__ != hashes["pyarrow"]:
        del found["files"]
        expected = {key: value for key, value in expected.items() if key != "files"}
    assert found == expected
    assert verify(dataset.path).faults == []


def test_it_is_finished_to_the_same_bytes(before, hashes):
    """Its shards stay, and the others are those of an undisturbed run."""
    folder = before("half")
    done = shards(folder)
    assert len(done) == 2
    dataset = run(make_job("tokens", folder))
    assert shards(folder).items() >= done.items()
    check(dataset, hashes["jobs"]["tokens"], hashes)
    assert not (folder / ".vecmill").exists()


@pytest.mark.parametrize("again", [True, False])
def test_one_with_vectors_of_an_earlier_run_is_finished(again, before, hashes):
    """With the earlier run or without it, and it is noted whose vectors it has.

    The shard that was done has a document that the engine refused, which is tried again.
    """
    folder = before("half-since")
    dataset = run(make_job("titles", folder), since=before("finished") if again else None)
    check(dataset, hashes["jobs"]["titles"], hashes)
    first = json.loads((folder / ".vecmill" / "receipts" / "00000.json").read_bytes())
    assert dataset.manifest.reused.chunks == (dataset.account.chunks if again else first["reused_chunks"])
    assert dataset.manifest.reused.run_id == first["reused_from"]


def test_what_the_engine_refused_is_tried_again(before, hashes):
    """A finished run with such documents keeps what it takes to do so; all other rows keep their vectors."""
    folder = before("finished")
    again = run(make_job("titles", folder))
    check(again, hashes["jobs"]["titles"], hashes)
    healed = run(make_job("titles", folder, embedder={"name": "exact"}))
    assert healed.manifest.run_id == again.manifest.run_id
    assert healed.account.documents_quarantined == again.account.documents_quarantined - 3
    assert healed.manifest.reasons.keys() == again.manifest.reasons.keys() - {"not embedded"}
    assert verify(folder).faults == []
    assert not (folder / ".vecmill").exists()
    scratch = run(make_job("titles", folder.parent / "scratch", embedder={"name": "exact"}))
    assert describe(healed)["rows"] == describe(scratch)["rows"]


def test_another_job_does_not_touch_it(before):
    """The message names what differs."""
    from vecmill.errors import StoreError

    folder = before("half")
    was = shards(folder)
    other = JOBS["tokens"]["chunker"] | {"overlap": 4}
    with pytest.raises(StoreError, match=r"chunker\.overlap \(5 there, 4 now\)"):
        run(make_job("tokens", folder, chunker=other))
    assert shards(folder) == was
