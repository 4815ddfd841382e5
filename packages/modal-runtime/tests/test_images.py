"""Payload: what an image needs is the code that no index has, and the versions that are here of all else."""

import shutil
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from vecmill.errors import PluginError
from vecmill_modal_runtime import images
from vecmill_modal_runtime.images import collect_into
from wheel_house import install

FROM_A_FILE = {"url": "file:///somewhere/mine-1.0-py3-none-any.whl", "archive_info": {}}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed distributions, in which ``mine`` is the one plugin in use, and vecmill requires nothing."""
    folder = tmp_path / "site"
    install(folder, "vecmill", {"vecmill_stand_in.py": ""})
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(images, "load_plugins", lambda: SimpleNamespace(loaded={"mine": "mine 1.0"}))
    return folder


@pytest.fixture
def collected(tmp_path):
    """Return a function that collects, and returns the wheels' names and the requirements."""

    def run(python="3.12"):
        folder = Path(tempfile.mkdtemp(prefix="wheels-", dir=tmp_path))
        found = collect_into(folder, python)
        assert sorted(folder.iterdir()) == sorted(found.wheels)
        return sorted(wheel.name for wheel in found.wheels), found.requirements

    return run


def test_vecmill_and_every_plugin_in_use_are_there_with_what_they_require(tmp_path):
    """As they are installed here, editable ones too: code is built, what an index has is pinned."""
    found = collect_into(tmp_path, "3.12")
    names = {wheel.name.partition("-")[0] for wheel in found.wheels}
    ours = ("local_runtime", "modal_runtime", "openvino", "publishers")
    assert {"vecmill", *(f"vecmill_{name}" for name in ours)} <= names
    assert any(line.startswith("pyarrow==") for line in found.requirements)
    assert any(line.startswith("openvino==") for line in found.requirements)
    assert not any(line.startswith("vecmill") for line in found.requirements)


def test_what_was_installed_from_elsewhere_than_an_index_is_sent_however_deep_it_is(site, collected):
    """A plugin requires a package of one's own, and that another one; what an index has is named with its extras."""
    install(
        site, "mine", {"mine.py": ""}, entry_point="mine", requires=("our-words>=1", "click", "huggingface-hub[oauth]")
    )
    install(site, "our_words", {"our_words.py": ""}, requires=("Our.Deep", "click[x]"), origin=FROM_A_FILE)
    install(site, "our_deep", {"our_deep.py": ""}, origin=FROM_A_FILE)
    install(site, "idle", {"idle.py": ""}, entry_point="idle")  # a plugin that is switched off here
    wheels, requirements = collected()
    assert wheels == [f"{name}-1.0-py3-none-any.whl" for name in ("mine", "our_deep", "our_words", "vecmill")]
    assert [line.partition("==")[0] for line in requirements] == ["click[x]", "huggingface-hub[oauth]"]


def test_what_a_container_requires_is_asked_of_the_container(site, collected):
    """It has another system and another version of Python: what it lacks is installed, what it does without is not."""
    requires = ('tomli>=2; python_version < "3.12"', 'uvloop>=1; sys_platform == "linux"', 'pywin32; os_name == "nt"')
    install(
        site, "mine", {"mine.py": ""}, entry_point="mine", requires=(*requires, 'nonesuch>=3; python_version > "3"')
    )
    assert [line for line in collected()[1] if not line.startswith("uvloop")] == ["nonesuch>=3"]
    assert any(line.startswith("tomli") for line in collected("3.11")[1])


@pytest.mark.parametrize("tag", ["cp39-abi3-manylinux_2_17_x86_64", "cp312-cp312-linux_x86_64", "py2.py3-none-any"])
def test_a_compiled_plugin_that_runs_in_containers_is_sent(site, collected, tag):
    """For their Python or any, on their system."""
    install(site, "mine", {"mine.so": b"\x7fELF"}, entry_point="mine", tag=tag)
    assert f"mine-1.0-{tag}.whl" in collected()[0]


@pytest.mark.parametrize("tag", ["cp311-cp311-linux_x86_64", "cp312-cp312-macosx_14_0_arm64", "cp39-abi3-win_amd64"])
def test_a_compiled_plugin_for_another_machine_is_refused_or_left_to_the_index(site, collected, tag):
    """An index has wheels for other machines; a file of the user's own is what it is."""
    install(site, "mine", {"mine.so": b"\x7fELF"}, entry_point="mine", tag=tag)
    assert collected() == (["vecmill-1.0-py3-none-any.whl"], ["mine==1.0"])
    install(site, "mine", {"mine.so": b"\x7fELF"}, entry_point="mine", tag=tag, origin=FROM_A_FILE)
    with pytest.raises(
        PluginError, match=rf"mine 1\.0 cannot be installed in Modal's containers: .* {tag}, .*3\.12 on"
    ):
        collected()


def test_where_nothing_says_which_files_are_a_plugins_the_index_is_asked(site, collected):
    """As with packages of an operating system; one that no index has is refused."""
    (install(site, "mine", {"mine.py": ""}, entry_point="mine") / "RECORD").unlink()
    assert collected()[1] == ["mine==1.0"]
    (install(site, "mine", {"mine.py": ""}, entry_point="mine", origin=FROM_A_FILE) / "RECORD").unlink()
    with pytest.raises(PluginError, match="nothing says which files are its"):
        collected()


@pytest.mark.parametrize("plugin", [True, False])
def test_code_in_its_projects_folder_is_never_asked_of_the_index(site, collected, tmp_path, monkeypatch, plugin):
    """``setup.py develop`` leaves no more than a name, and a stranger may have put something there by that name.

    Older systems leave as little of what they have installed, in a folder for it.
    """
    install(site, "mine", {"mine.py": ""}, entry_point="mine", requires=("words", "yaml-of-old"))
    name = "mine" if plugin else "words"
    if plugin:
        shutil.rmtree(site / "mine-1.0.dist-info")
    for folder, known in ((tmp_path / "project", name), (tmp_path / "dist-packages", "yaml_of_old")):
        info = folder / f"{known}.egg-info"
        info.mkdir(parents=True)
        (info / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: {known}\nVersion: 1.0\n")
        if known == "mine":
            (info / "entry_points.txt").write_text("[vecmill]\nmine = mine\n")
        monkeypatch.syspath_prepend(folder)
    with pytest.raises(PluginError, match=f"{name} 1.0 cannot be installed .*nothing says which files are its"):
        collected()
    shutil.rmtree(tmp_path / "project")
    if not plugin:
        assert collected()[1] == ["words", "yaml-of-old==1.0"]


def test_what_is_not_here_is_asked_for_as_all_ask_for_it(site, collected):
    """Between the bounds of every requirement, at the address that one names."""
    two = ('absent>=1; sys_platform == "linux"', "away @ https://example.org/away-1.0-py3-none-any.whl")
    install(site, "mine", {"mine.py": ""}, entry_point="mine", requires=(*two, "words"))
    install(site, "words", {"words.py": ""}, origin=FROM_A_FILE, requires=("absent<2", "away[x]"))
    wanted = collected()[1]
    assert sorted(wanted[0].partition("absent")[2].split(",")) == ["<2", ">=1"]
    assert wanted[1:] == ["away[x] @ https://example.org/away-1.0-py3-none-any.whl"]


def test_what_conda_compiled_is_asked_of_the_index(site, collected):
    """It needs conda's own libraries, and says that it came from the machine that built it."""
    built = {"url": "file:///home/conda/feedstock_root/work", "dir_info": {}}
    install(site, "mine", {"mine.py": ""}, entry_point="mine", requires=("numbers-of-ours",))
    for tag in ("cp312-cp312-linux_x86_64", "py3-none-any"):
        info = install(site, "numbers_of_ours", {"numbers.so": b""}, tag=tag, origin=built)
        (info / "INSTALLER").write_text("conda\n")
        assert collected()[1] == ["numbers-of-ours==1.0"]
    info = install(site, "mine", {"mine.so": b""}, entry_point="mine", tag="cp312-cp312-linux_x86_64", origin=built)
    (info / "INSTALLER").write_text("conda\n")
    assert collected() == (["vecmill-1.0-py3-none-any.whl"], ["mine==1.0"])


def test_python_itself_is_not_asked(site, collected):
    """The suite runs on one Python, and collects for another."""
    install(site, "mine", {"mine.py": ""}, entry_point="mine", requires=('x; python_version == "3.99"',))
    assert sys.version_info < (3, 99)
    assert collected("3.99")[1] == ["x"]
