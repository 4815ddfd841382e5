"""find_folder: a Hub id, a folder, a folder in a package, or a clear error."""

from __future__ import annotations

import sys

import pytest

from vecmill.errors import ConfigError
from vecmill.models.reference import find_folder


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package that ends the process if it is ever run."""
    (tmp_path / "with_weights/model").mkdir(parents=True)
    (tmp_path / "with_weights/__init__.py").write_text("raise SystemExit('was run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "with_weights"


@pytest.mark.parametrize("model", ["BAAI/bge-small-en-v1.5", "bert-base-uncased", "a.b/c_d-e.1"])
def test_what_is_no_folder_and_reads_like_a_hub_id_is_one(model):
    """Ids with and without a user name are left to the Hub."""
    assert find_folder(model) is None


def test_a_folder_is_found_relative_absolute_and_under_home(tmp_path, monkeypatch):
    """All the ways to write a path lead to it, also one that could be a Hub id."""
    (tmp_path / "mine/model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for model in ("mine/model", "./mine/model", str(tmp_path / "mine/model"), "~/mine/model"):
        assert find_folder(model).resolve() == (tmp_path / "mine/model").resolve()


def test_a_folder_in_a_package_is_found_without_running_the_package(package):
    """``package:`` looks the package up and does not import it."""
    assert find_folder("package:with_weights/model") == package / "model"
    assert "with_weights" not in sys.modules


@pytest.mark.parametrize("model", ["./nowhere", "/nowhere/at/all", "~/nowhere", "../nowhere"])
def test_a_path_to_nowhere_is_not_taken_for_a_hub_id(model):
    """A name that can only be a path says that the folder is missing."""
    with pytest.raises(ConfigError, match=r"There is no folder .*nowhere"):
        find_folder(model)


def test_a_file_is_no_folder(tmp_path, monkeypatch):
    """Naming the weights' file, not their folder, is told so."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"There is no folder 'model\.safetensors'"):
        find_folder("model.safetensors")


@pytest.mark.parametrize(
    "model", ["", "a/b/c", "not a name", "package:with-dash/model", "package:a.b/model", "package:"]
)
def test_what_cannot_be_a_model_is_a_configuration_error(model):
    """Text that is neither path nor id nor package is refused, with an example."""
    with pytest.raises(ConfigError, match=r"Name a model like|not of the form"):
        find_folder(model)


def test_a_missing_package_and_a_missing_folder_in_it_are_told_apart(package):
    """The message says whether to install something or to correct the path."""
    with pytest.raises(ConfigError, match=r"'never_heard_of_it' .* is not installed"):
        find_folder("package:never_heard_of_it/model")
    with pytest.raises(ConfigError, match=r"'with_weights' holds no folder 'models'"):
        find_folder("package:with_weights/models")
