"""Tests of vecmill.cli.commands.verify."""

import json

import pytest


@pytest.fixture
def dataset(invoke, job_file, tmp_path):
    """Run a small job."""
    invoke("run", job_file())
    return tmp_path / "out"


def test_a_sound_dataset_is_said_to_be(invoke, dataset):
    """Exit 0, with the rows, documents and shards that were checked."""
    result = invoke("verify", dataset)
    assert f"{dataset} is valid: " in result.stdout
    assert "rows of 20 documents in 1 shard" in result.stdout


def test_one_changed_byte_fails_and_names_the_file(invoke, dataset):
    """Exit 1, every fault on a line of its own, and what to do."""
    (shard,) = (dataset / "data").iterdir()
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    result = invoke("verify", dataset, code=1)
    assert f"ERROR  data/{shard.name}: the content is not what was written" in result.stderr
    assert "has 1 error: `vecmill run`" in result.stderr


def test_json_holds_the_verdict_and_the_faults(invoke, dataset):
    """For scripts, with the same exit codes."""
    sound = json.loads(invoke("verify", dataset, "--json").stdout)
    assert (sound["ok"], sound["faults"], sound["account"]["documents_in"]) == (True, [], 20)
    (shard,) = (dataset / "data").iterdir()
    shard.unlink()
    broken = json.loads(invoke("verify", dataset, "--json", code=1).stdout)
    assert broken["faults"] == [{"path": f"data/{shard.name}", "problem": "the file is missing"}]


def test_a_folder_that_is_no_dataset_is_one_error(invoke, tmp_path):
    """Exit 1, not a traceback."""
    assert invoke("verify", tmp_path / "nothing", code=1).stderr.startswith("vecmill: ")


def test_a_sample_is_embedded_again_if_it_is_asked_for(invoke, dataset):
    """The verdict says how many; what goes with --embed alone is refused without it."""
    assert "; 7 chunks embedded again" in invoke("verify", dataset, "--embed", "--sample", "7").stdout
    assert json.loads(invoke("verify", dataset, "--embed", "--json").stdout)["embedded"] > 7
    assert "embedded again" not in invoke("verify", dataset).stdout
    for words in (["--sample", "7"], ["--model", "x"], ["--embedder", "hash"]):
        assert "go with --embed" in invoke("verify", dataset, *words, code=2).stderr


def test_of_many_faults_the_rest_is_counted(invoke, dataset, monkeypatch):
    """The screen is not flooded."""
    monkeypatch.setattr("vecmill.store.verify.MOST", 2)
    for name in "abcde":
        (dataset / "data" / name).touch()
    result = invoke("verify", dataset, code=1)
    assert result.stderr.count("ERROR") == 2
    assert "and 3 more\n" in result.stderr
    assert "has 5 errors" in result.stderr
