"""Hashes: what a job comes to is, to the byte, what the version before made of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from compatibility.jobs import JOBS, make_job, run_demo
from compatibility.results import describe, read_vectors
from vecmill import run


def check(dataset, expected, written_with):
    """Compare a dataset with what it was; the bytes of its files only with the pyarrow that they were written with."""
    found = describe(dataset)
    if pa.__version__ != written_with:
        del found["files"]
        expected = {key: value for key, value in expected.items() if key != "files"}
    assert found == expected


def test_the_demo_is_what_it_was(hashes, tmp_path):
    """Run id, account and shard files of the demo's job file, with its model, on vectors that are exact everywhere."""
    check(run_demo(tmp_path / "out"), hashes["jobs"]["demo"], hashes["pyarrow"])


@pytest.mark.parametrize("name", sorted(JOBS.keys() - {"tiny"}))
def test_a_job_is_what_it_was(name, hashes, tmp_path):
    """Titles, extra columns, quarantined documents, duplicates, several shards, every chunker and batching."""
    check(run(make_job(name, tmp_path / "out")), hashes["jobs"][name], hashes["pyarrow"])


def test_vectors_of_an_earlier_run_change_nothing(hashes, before, tmp_path):
    """With ``since`` the files are those of a run from scratch."""
    dataset = run(make_job("titles", tmp_path / "out"), since=before("since"))
    assert dataset.manifest.reused.chunks > 0
    check(dataset, hashes["jobs"]["titles"], hashes["pyarrow"])


def test_a_job_of_the_cpu_engine_is_what_it_was(hashes, tmp_path):
    """Run id, account and all columns but the vectors, whose last digits are the processor's own."""
    dataset = run(make_job("tiny", tmp_path / "out"))
    assert describe(dataset, vectors=False) == hashes["jobs"]["tiny"]
    (entry,) = dataset.manifest.shards
    np.testing.assert_allclose(read_vectors(dataset.path / entry.path), hashes["vectors"], rtol=0, atol=2e-6)
