"""Wheels: a distribution that is installed here is the same one where its wheel is installed."""

import hashlib
import site
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution

import pytest
from build import BuildException

from doubles.modal.files import unpack
from vecmill.errors import PluginError
from vecmill_modal_runtime import wheels
from vecmill_modal_runtime.wheels import fits, image_tags, read_tag
from wheel_house import install

PROJECT = """
[build-system]
requires = ["{backend}"]
build-backend = "{backend}.build"

[project]
name = "mine"
version = "1.0"

[project.entry-points.vecmill]
mine = "corp.mine"

[tool.hatch.build.targets.wheel]
include = ["corp", "second.py"]
"""


def make_wheel(home, folder):
    """Write a wheel that can be made, and return it."""
    wheel = wheels.make_wheel(home, folder)
    assert wheel is not None
    return wheel


def found(site):
    """Return the distribution that is installed there."""
    (home,) = Distribution.discover(path=[str(site)])
    return home


def test_a_wheel_holds_all_that_was_installed(tmp_path):
    """Modules, a namespace, data, metadata; not how it came here. Packed again, it is the same file."""
    files = {"one.py": "1", "two.py": "2", "space/part/rules.py": "3", "space/part/words, all.txt": "ä"}
    info = install(tmp_path / "site", "mine", files, entry_point="one", origin={"url": "file:///x"})
    (tmp_path / "site" / "__pycache__").mkdir()
    (tmp_path / "site" / "__pycache__" / "one.cpython-312.pyc").write_bytes(b"x")
    with (info / "RECORD").open("a") as record:
        record.write("__pycache__/one.cpython-312.pyc,,\n../bin/mine,,\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mine").write_text("#!/here/python")
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    wheel = make_wheel(found(tmp_path / "site"), tmp_path / "first")
    again = make_wheel(found(tmp_path / "site"), tmp_path / "second")
    assert wheel.name == "mine-1.0-py3-none-any.whl"
    assert wheel.read_bytes() == again.read_bytes()
    unpack(wheel, tmp_path / "there")
    there = {
        path.relative_to(tmp_path / "there").as_posix() for path in (tmp_path / "there").rglob("*") if path.is_file()
    }
    metadata = {f"mine-1.0.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    assert there == {*files, *metadata}
    home = found(tmp_path / "there")
    assert [point.value for point in home.entry_points] == ["one"]
    assert {file.as_posix(): file.hash.value for file in home.files if file.hash}.keys() == there - {
        "mine-1.0.dist-info/RECORD"
    }


@pytest.mark.parametrize(("prefix", "base"), [("", "elsewhere"), ("elsewhere", "")])
def test_data_beside_the_modules_comes_along(tmp_path, monkeypatch, prefix, base):
    """An installer puts it below the prefix, ``share/…``, or below the one of a user's own packages."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / prefix))
    monkeypatch.setattr(site, "getuserbase", lambda: str(tmp_path / base))
    info = install(tmp_path / "lib" / "site", "mine", {"one.py": ""})
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "words.txt").write_text("words")
    with (info / "RECORD").open("a") as record:
        record.write("../../share/words.txt,,\n")
    wheel = make_wheel(found(tmp_path / "lib" / "site"), tmp_path)
    with zipfile.ZipFile(wheel) as packed:
        assert packed.read("mine-1.0.data/data/share/words.txt") == b"words"


def test_a_file_that_is_gone_is_named(tmp_path):
    """A wheel without it would fail in the container."""
    install(tmp_path, "mine", {"one.py": "", "two.py": ""})
    (tmp_path / "two.py").unlink()
    with pytest.raises(PluginError, match=r"two\.py of mine 1\.0 is gone: install mine again"):
        make_wheel(found(tmp_path), tmp_path)


@pytest.fixture
def editable(tmp_path):
    """Return a function that makes a project, and installs it as editable."""
    project = tmp_path / "a project"
    (project / "corp").mkdir(parents=True)
    (project / "corp" / "mine.py").write_text("")
    (project / "second.py").write_text("")

    def make(backend="hatchling"):
        (project / "pyproject.toml").write_text(PROJECT.format(backend=backend))
        origin = {"url": project.as_uri(), "dir_info": {"editable": True}}
        install(tmp_path / "site", "mine", {"mine.pth": str(project)}, origin=origin)
        return found(tmp_path / "site")

    return make


def test_an_editable_one_is_built_from_its_project(editable, tmp_path):
    """Whatever its folder is called; the same code is the same file, so no image is built again for it."""
    hashes = set()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        wheel = make_wheel(editable(), tmp_path / name)
        hashes.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(hashes) == 1
    with zipfile.ZipFile(wheel) as packed:
        assert {"corp/mine.py", "second.py", "mine-1.0.dist-info/entry_points.txt"} <= set(packed.namelist())


def test_a_project_that_cannot_be_built_is_named_with_the_reason(editable, tmp_path):
    """And with the command that tells more."""
    home = editable()
    (tmp_path / "a project" / "pyproject.toml").write_text(PROJECT.format(backend="hatchling").replace("1.0", "one"))
    with pytest.raises(
        PluginError, match=r"mine 1\.0 is installed from .*a project.*cannot be built there: .*`pip wheel"
    ):
        make_wheel(home, tmp_path)


def test_a_builder_that_is_not_installed_here_works_apart(editable, tmp_path, monkeypatch):
    """In an environment of its own, as pip has it build."""

    def apart():
        raise BuildException("no network")

    monkeypatch.setattr("build.env.DefaultIsolatedEnv", apart)
    with pytest.raises(PluginError, match="cannot be built there: no network"):
        make_wheel(editable("nonesuch_backend"), tmp_path)


def test_tags_are_those_of_the_image(tmp_path):
    """Pip of this very machine agrees on what its own Python takes."""
    tags = image_tags(f"{sys.version_info[0]}.{sys.version_info[1]}")
    own = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    for tag, fitting in ((f"{own}-{own}-manylinux2014_x86_64", True), (f"{own}-{own}-manylinux_2_39_x86_64", False)):
        wheel = tmp_path / f"mine-1.0-{tag}.whl"
        assert read_tag(wheel) == tag
        assert fits(wheel, tags) is fitting


@pytest.mark.slow
def test_what_is_made_here_is_what_pip_takes(tmp_path):
    """It installs it with its namespace and its entry points, as it would the wheel from which it came."""
    install(tmp_path / "site", "mine", {"one.py": "", "space/part.py": ""}, entry_point="one")
    wheel = make_wheel(found(tmp_path / "site"), tmp_path)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv" / "bin" / "python", "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", tmp_path / "there", wheel], check=True)
    assert (tmp_path / "there" / "space" / "part.py").is_file()
    assert [point.value for point in found(tmp_path / "there").entry_points] == ["one"]
