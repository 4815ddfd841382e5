"""Sources: a file of the Hub comes to the Volume whole, or the error that says why goes to the driver."""

import pickle

import fsspec
import pytest

from doubles.hub import HubDouble
from vecmill.errors import ConfigError, SourceError
from vecmill.records import ComponentSpec
from vecmill_modal_runtime import sources
from vecmill_modal_runtime.launcher import upload_source
from vecmill_modal_runtime.sources import Piece, fetch


@pytest.fixture
def piece(tmp_path, monkeypatch):
    """Return a function that names a file of a dataset on a Hub of this machine."""
    from huggingface_hub import constants

    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.parquet").write_bytes(b"rows")
    with HubDouble(tmp_path / "hub") as hub:
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, hub.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        revision = hub.add("dataset", "user/topics", tmp_path / "files").resolve("main")

        def make(name):
            target = tmp_path / "volume" / "00000.parquet"
            return Piece(repo="user/topics", revision=revision, name=name, target=target, size=4)

        yield make


def test_a_file_is_there_before_it_is_committed(piece, monkeypatch):
    """Others see it whole."""
    wanted, seen = piece("a.parquet"), []
    monkeypatch.setattr(sources, "commit", lambda: seen.append(wanted.target.read_bytes()))
    assert fetch(wanted.model_dump_json()) == "a.parquet"
    assert seen == [b"rows"]
    assert wanted.here


def test_what_another_revision_has_is_copied(piece, monkeypatch, tmp_path):
    """Not asked of the Hub again; where it is gone by then, or not whole, it is."""
    monkeypatch.setattr(sources, "commit", lambda: None)
    for content, asked in ((b"same", False), (b"cut", True), (None, True)):
        wanted, twin = piece("a.parquet"), tmp_path / "volume" / "twin.parquet"
        twin.unlink(missing_ok=True)
        wanted.target.unlink(missing_ok=True)
        if content is not None:
            twin.parent.mkdir(exist_ok=True)
            twin.write_bytes(content)
        fetch(wanted.model_copy(update={"twin": twin}).model_dump_json())
        assert wanted.target.read_bytes() == (b"rows" if asked else b"same")


def test_why_a_file_cannot_be_had_reaches_the_driver(piece):
    """As an error of vecmill's own, which a command then tells in one message."""
    with pytest.raises(SourceError) as caught:
        fetch(piece("nonesuch.parquet").model_dump_json())
    told = str(pickle.loads(pickle.dumps(caught.value)))  # noqa: S301 - as Modal sends it
    assert told.startswith("the dataset 'user/topics' at revision")
    assert told.endswith("check the network and run again")


def test_files_of_the_hub_stay_where_they_are_and_those_of_a_process_are_refused():
    """Containers read a dataset of the Hub themselves; what a process holds they cannot see."""
    spec = ComponentSpec(name="jsonl", options={"path": "hf://datasets/user/topics/*.jsonl"})
    assert upload_source(spec, "vecmill") == spec
    memory = fsspec.filesystem("memory")
    memory.pipe("/topics/a.jsonl", b'{"text": "words"}\n')
    with pytest.raises(ConfigError, match="containers cannot see it"):
        upload_source(ComponentSpec(name="jsonl", options={"path": "memory://topics"}), "vecmill")
    memory.rm("/topics", recursive=True)
