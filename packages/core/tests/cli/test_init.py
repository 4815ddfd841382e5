"""Tests of vecmill.cli.commands.init and the job file it writes."""

import tomllib

import pytest

from vecmill import Job
from vecmill.cli.commands.init import SOURCES, fill_template
from vecmill.plugins import load
from vecmill.plugins.registry import validate_options

KINDS = ("source", "chunker", "batching", "embedder", "runtime")


def check(job):
    """Check every component's options against the installed plugins, as a plan does first."""
    registry = load().registry
    for kind, spec in [*((kind, getattr(job, kind)) for kind in KINDS), *(("publisher", spec) for spec in job.publish)]:
        validate_options(registry.get(kind, spec.name), kind, spec.options)


@pytest.mark.parametrize("source", SOURCES)
def test_the_file_is_a_valid_job_for_every_source(invoke, tmp_path, source):
    """It loads, and every component and option in it exists."""
    path = tmp_path / "jobs" / "mine.toml"
    result = invoke("init", path, "--source", source)
    job = Job.load(path)
    check(job)
    assert job.source.name == source
    assert result.stdout == f"wrote {path}; next: vecmill run {path}\n"


def test_every_commented_key_is_valid_too(tmp_path):
    """A user who removes a ``#`` gets what the comment says, for every source."""
    for source in SOURCES:
        path = tmp_path / f"{source}.toml"
        text = fill_template(path.name, source, None, "out")
        for key in ("title = false", "limit = 100", 'columns = { text = "body" }', 'keep = ["lang"]'):
            text = text.replace(f"# {key}", key)
        path.write_text(text)
        check(Job.load(path))


def test_the_other_sources_in_the_comments_are_valid(tmp_path):
    """Each block of comments is a source as it would be written."""
    text = fill_template("job.toml", "pydoc", None, "out")
    _, *blocks = text.split("# [source]\n")
    path = tmp_path / "job.toml"
    assert len(blocks) == len(SOURCES) - 1
    for block in blocks:
        lines = [line.removeprefix("# ") for line in block.splitlines()]
        options_ = [line for line in lines[: lines.index("#") if "#" in lines else lines.index("")] if "=" in line]
        body = "\n".join(["[source]", *options_, "[embedder]", 'name = "hash"'])
        path.write_text(body)
        check(Job.load(path))


def test_the_standard_file_is_the_demo(invoke, tmp_path, monkeypatch):
    """Without a word said, job.toml embeds Python's reference into out/python-reference."""
    monkeypatch.chdir(tmp_path)
    invoke("init")
    job = Job.load("job.toml")
    assert (job.source.name, job.embedder.name, job.runtime.name) == ("pydoc", "openvino", "local")
    assert job.publish[0].options == {"path": "out/python-reference"}


def test_a_model_and_an_output_of_ones_own_are_taken_exactly(invoke, tmp_path):
    """Quotes, backslashes and accents included."""
    odd = "C:\\m\"ödel\t\x7f'"
    invoke("init", tmp_path / "job.toml", "--model", odd, "--output", odd)
    job = tomllib.loads((tmp_path / "job.toml").read_text(encoding="utf-8"))
    assert job["embedder"]["model"] == job["publish"][0]["path"] == odd


def test_the_demo_model_is_named_only_where_it_is_installed(monkeypatch):
    """Elsewhere the file names the model on the Hub, and no package that is not there."""
    monkeypatch.setattr("vecmill.cli.commands.init.find_spec", lambda _: None)
    text = fill_template("job.toml", "pydoc", None, "out")
    assert tomllib.loads(text)["embedder"]["model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert "package:" not in text


def test_what_is_there_is_never_overwritten(invoke, tmp_path):
    """Exit 2, and the file as it was."""
    path = tmp_path / "job.toml"
    path.write_text("mine")
    assert f"{path} exists already" in invoke("init", path, code=2).stderr
    assert path.read_text() == "mine"


def test_a_place_that_cannot_be_written_is_one_error(invoke, tmp_path):
    """It says which and why."""
    (tmp_path / "file").write_text("")
    assert "cannot be written" in invoke("init", tmp_path / "file" / "job.toml", code=2).stderr
