"""Tests of vecmill.cli.commands.search."""

import json
import re

import pytest

from vecmill.records import ModelInfo
from vecmill.sanitize import UNSAFE
from vecmill.testing import HashEmbedder


@pytest.fixture
def dataset(invoke, job_file, tmp_path):
    """Run a small job."""
    invoke("run", job_file())
    return tmp_path / "out"


def test_passages_come_best_first_with_score_title_and_place(invoke, dataset):
    """As many as asked for."""
    lines = invoke("search", dataset, "what is seven?", "-n", "2").stdout.splitlines()
    heads = [line for line in lines if line and not line.startswith(" ")]
    scores = [float(line.split()[0]) for line in heads]
    assert len(heads) == 2
    assert scores == sorted(scores, reverse=True)
    assert "  Title " in heads[0]
    assert "chunk " in lines[1]


def test_json_has_the_passages_whole(invoke, dataset):
    """The text is the dataset's, not an excerpt."""
    passages = json.loads(invoke("search", dataset, "what is seven?", "--json").stdout)
    assert len(passages) == 3
    assert set(passages[0]) == {"score", "id", "title", "url", "chunk_index", "start", "end", "text", "similarity"}
    assert all(len(passage["text"]) == passage["end"] - passage["start"] for passage in passages)


def test_a_score_that_is_no_cosine_says_what_it_is(invoke, job_file, tmp_path, monkeypatch):
    """A distance, say, with a minus."""
    model = HashEmbedder.model

    def by_distance(self):
        return ModelInfo(**model(self).model_dump(exclude={"outputs", "similarity"}), similarity="euclidean")

    monkeypatch.setattr(HashEmbedder, "model", by_distance)
    invoke("run", job_file())
    assert re.match(r"-\d\.\d{3} euclidean  Title", invoke("search", tmp_path / "out", "what is seven?").stdout)


@pytest.mark.parametrize(("query", "message"), [("  ", "the query is empty"), ("\ud800", "not valid Unicode")])
def test_a_query_that_says_nothing_is_refused(invoke, dataset, query, message):
    """Exit 2, before a model is loaded."""
    assert message in invoke("search", dataset, query, code=2).stderr


def test_a_number_of_passages_below_one_is_a_usage_error(invoke, dataset):
    """Click says what is allowed."""
    assert "-n" in invoke("search", dataset, "x", "-n", "0", code=2).stderr


def test_the_embedder_of_a_dataset_from_elsewhere_is_named_on_the_command_line(invoke, dataset, forget_runs):
    """By its name and by its options, also of a report; what is neither is refused as usage."""
    forget_runs()
    lines = invoke("search", dataset, "what is seven?", "--embedder", "hash", "--embedder", "dimension=8").stdout
    assert "chunk " in lines
    wrong = invoke("search", dataset, "x", "--embedder", "hash", "--embedder", "dimension=9", code=1)
    assert "its dimension is 9" in wrong.stderr
    assert "there is no embedder 'hsah', did you mean 'hash'?" in invoke(
        "report", dataset, "--embedder", "hsah"
    ).stdout.replace("\n", " ")
    assert "--embedder =x: write it as key=value" in invoke("search", dataset, "x", "--embedder", "=x", code=2).stderr


def test_json_drives_no_terminal_and_is_the_same_json(invoke, job_file, tmp_path):
    """Controls of both sets, reversals and line ends of others are escapes in it, as in a report and a manifest."""
    wild = "\x1b[31m \x9b31m \x85 \u202e \u2066 \u2028 \x7f é \U0001f600"
    path = job_file(1)
    row = {"id": f"d{wild}", "title": wild, "url": wild, "text": f"one {wild} two"}
    (tmp_path / "corpus.jsonl").write_text(json.dumps(row) + "\n")
    run = ["run", path, "--quiet", "--json", "--set", f"source.license=a {wild}"]
    manifest = json.loads(invoke(*run).stdout)
    assert manifest["account"]["documents_embedded"] == 1
    assert manifest["source"]["terms"]["license"] == [f"a {wild}"]
    out = tmp_path / "out"
    for args in (["search", out, "two", "--json"], ["report", out, "--json"], run, ["verify", out, "--json"]):
        shown = invoke(*args).stdout
        assert not re.search(f"[{UNSAFE}]", shown)
        assert isinstance(json.loads(shown), list | dict)
    assert json.loads(invoke("search", out, "two", "--json").stdout)[0]["title"] == wild
    for args in (
        ["search", tmp_path / "out", "two", "--full"],
        ["report", tmp_path / "out"],
        ["verify", tmp_path / "out"],
    ):
        assert not re.search(f"[{UNSAFE}]", invoke(*args).output)
