"""Tests of vecmill.job.config."""

import pytest

from vecmill import Job
from vecmill.errors import ConfigError
from vecmill.plugins import load as load_plugins

MINIMAL = """
[source]
name = "pydoc"

[embedder]
name = "hash"
"""


def load(tmp_path, text, *overrides):
    """Write a job file and load it."""
    path = tmp_path / "articles.toml"
    path.write_text(text)
    return Job.load(path, overrides)


def test_a_check_names_every_component_and_option_that_is_wrong():
    """At once, and without looking for the source, the model or the network."""
    job = Job(
        source={"name": "parquet", "path": "none", "colums": {}},
        chunker={"name": "nonesuch"},
        embedder={"name": "tei", "model": "user/none", "url": "http://127.0.0.1:9"},
    )
    with pytest.raises(ConfigError) as caught:
        job.check(load_plugins().registry)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("source.colums: unknown key; did you mean 'columns'?")
    assert lines[1].startswith("there is no chunker 'nonesuch'")
    assert len(lines) == 2


def test_two_tables_are_a_job(tmp_path):
    """What is left out has the documented defaults."""
    job = load(tmp_path, MINIMAL)
    assert (job.chunker.name, job.batching.name, job.runtime.name) == ("paragraphs", "token_budget", "local")
    assert (job.max_quarantine, job.truncate, job.publish, job.name) == (0.01, False, [], "articles")


def test_a_file_and_python_say_the_same(tmp_path):
    """Job.load and Job(…) with the same keys are the same job."""
    assert load(tmp_path, MINIMAL) == Job(source={"name": "pydoc"}, embedder={"name": "hash"}, name="articles")


def test_another_runtime_comes_without_the_options_of_the_files(tmp_path):
    """A job for Modal, with its ceiling, is tried on a laptop by one change; options that stand beside it hold."""
    text = MINIMAL + '[runtime]\nname = "modal"\ngpu = "L4"\nmax_cost_usd = 40\n'
    for overrides in (("runtime.workers=2", "runtime.name=local"), ("runtime.name=local", "runtime.workers=2")):
        job = load(tmp_path, text, *overrides)
        assert (job.runtime.name, job.runtime.options) == ("local", {"workers": 2})
        job.check(load_plugins().registry)
    for unchanged in ([], ["runtime.name=modal"]):
        assert load(tmp_path, text, *unchanged).runtime.options == {"gpu": "L4", "max_cost_usd": 40}
    for file in ("[runtime]\nworkers = 3\n", '[runtime]\nname = "local"\nworkers = 3\n'):
        assert load(tmp_path, MINIMAL + file, "runtime.name=local").runtime.options == {"workers": 3}
        assert load(tmp_path, MINIMAL + file, "runtime.name=modal", "runtime.gpu=T4").runtime.options == {"gpu": "T4"}


def test_overrides_win_over_the_file(tmp_path):
    """--set reaches into tables, and reads values as TOML does."""
    job = load(tmp_path, MINIMAL, "source.limit=10", "embedder.model=some/model", "max_quarantine=0.5", "truncate=true")
    assert job.source.options == {"limit": 10}
    assert job.embedder.options == {"model": "some/model"}
    assert (job.max_quarantine, job.truncate) == (0.5, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "source: this key is required"),
        ('[sorce]\nname="pydoc"', r"sorce: unknown key; did you mean 'source'\?"),
        (MINIMAL + "\n[[publish]]\nrepo = 'a/b'", "publish: this table needs a name"),
        (MINIMAL.replace('name = "pydoc"', "name = 3"), "source: this table needs a name"),
        ("max_quarantine = 2" + MINIMAL, "max_quarantine: input should be less than or equal to 1; found 2"),
        ('truncate = "perhaps"' + MINIMAL, "truncate: input should be a valid boolean.*found 'perhaps'"),
        (MINIMAL + "\n[shards]\ntarget_mb = 0", r"shards\.target_mb: input should be greater than 0"),
        ('source = "pydoc"', "source: .*found 'pydoc'"),
        ("[source", "not valid TOML"),
        (MINIMAL + "\n[publish]\nname = 'parquet'", "publish: .*list"),
    ],
)
def test_a_wrong_job_is_refused_with_the_key_and_what_was_found(tmp_path, text, message):
    """Every fault names the file, the key, what was found, and what is allowed."""
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, text)
    assert "articles.toml" in str(caught.value)


def test_a_missing_job_file_says_how_to_get_one(tmp_path):
    """A path that is not there is a usage error, with a way out."""
    with pytest.raises(ConfigError, match="vecmill init"):
        Job.load(tmp_path / "nothing.toml")


def test_a_job_file_that_is_no_text_is_one_clear_error(tmp_path):
    """Bytes that are not UTF-8 are refused, not shown as a traceback."""
    (tmp_path / "job.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        Job.load(tmp_path / "job.toml")
    with pytest.raises(ConfigError, match=r"cannot be read \(Is a directory\): name another file"):
        Job.load(tmp_path)


def test_an_option_of_the_usual_component_needs_no_name(tmp_path):
    """``--set runtime.attempts=1`` changes the runtime that the job would have had; a source has no usual one."""
    path = tmp_path / "job.toml"
    path.write_text('source.name = "pydoc"\nembedder.name = "hash"\n')
    job = Job.load(path, ["runtime.attempts=1", "chunker.max_tokens=64"])
    assert (job.runtime.name, job.runtime.options) == ("local", {"attempts": 1})
    assert (job.chunker.name, job.chunker.options) == ("paragraphs", {"max_tokens": 64})
    with pytest.raises(ConfigError, match="source: this table needs a name"):
        Job(source={"limit": 3}, embedder={"name": "hash"})


def test_options_that_are_wrong_together_are_named_by_their_table():
    """Without a dot after it, as if a key were missing."""
    job = Job(
        source={"name": "pydoc"}, embedder={"name": "hash"}, chunker={"name": "characters", "size": 3, "overlap": 9}
    )
    with pytest.raises(ConfigError, match=r"^chunker: overlap \(9\) must be smaller than size \(3\); found"):
        job.check()


def test_a_value_in_the_place_of_a_table_is_refused_in_plain_words(tmp_path):
    """In a job file's words, without a class of vecmill's."""
    with pytest.raises(ConfigError, match=r"source: input should be a table; found 3$"):
        load(tmp_path, MINIMAL, "source=3")
