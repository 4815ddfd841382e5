"""Tests of vecmill.store.destination: whose a folder is, and who works in it."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from small_dataset import small_dataset
from vecmill.errors import StoreError
from vecmill.store.destination import clear, lock_folder
from vecmill.store.layout import Layout


def test_only_shards_of_ours_are_cleared(tmp_path):
    """A file whose name is like a shard's is somebody's, and stays."""
    layout = Layout(small_dataset(tmp_path, 5).path)
    theirs = [layout.data / name for name in ("train-mine-of-2020.parquet", "train-00000-of-00001.parquet.bak")]
    for path in theirs:
        path.write_text("precious")
    clear(layout)
    assert sorted(path for path in layout.root.rglob("*") if path.is_file()) == sorted(theirs)


def test_the_second_command_in_a_folder_is_refused(tmp_path):
    """While one command holds a folder, another gets one clear error; afterwards the folder is free and clean."""
    layout = Layout(tmp_path / "out")
    with lock_folder(layout), pytest.raises(StoreError, match="another run works in"), lock_folder(layout):
        pass
    with lock_folder(layout):
        pass
    assert list(layout.root.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path):
    """A folder that cannot be written is named, with what to do."""
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"), lock_folder(Layout(tmp_path / "out")):
        pass


def test_a_file_where_the_folder_should_be_is_refused(tmp_path):
    """An output path that is a file is one clear error."""
    (tmp_path / "out").write_text("")
    with pytest.raises(StoreError, match="cannot be written"), lock_folder(Layout(tmp_path / "out")):
        pass


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Hold the folder ``out`` with locks in a folder of this name, or with none; yield from a block."""

    @contextlib.contextmanager
    def hold(name):
        if name:
            monkeypatch.setenv("VECMILL_LOCKS", str(tmp_path / name))
        else:
            monkeypatch.delenv("VECMILL_LOCKS", raising=False)
        with lock_folder(Layout(tmp_path / "out")):
            yield

    return hold


@pytest.mark.fault(
    "folder",
    "two runs at the same time in one folder, and `VECMILL_LOCKS` is set for one of them only",
    promise="The second is refused with one message, whichever of them has the variable, or another value.",
)
@pytest.mark.parametrize(("first", "second"), [("a", ""), ("", "a"), ("a", "b"), ("a", "a")])
def test_a_lock_elsewhere_is_seen_by_those_who_have_it_not(elsewhere, tmp_path, first, second):
    """While one command works in a folder another is refused; afterwards the folder is free and clean."""
    with elsewhere(first):
        for _ in range(2):  # who is refused takes nothing away
            with pytest.raises(StoreError, match="another run works in"), elsewhere(second):
                pass
    with elsewhere(second):
        pass
    assert list((tmp_path / "out").iterdir()) == []


KILLED = """
import os, sys
from pathlib import Path
from vecmill.store.layout import Layout
from vecmill.store.destination import lock_folder

with lock_folder(Layout(Path(sys.argv[1]))):
    os._exit(9)
"""


@pytest.mark.parametrize("second", ["", "a", "b"])
def test_a_lock_elsewhere_of_a_killed_command_is_free_at_once(elsewhere, tmp_path, second):
    """What it left in the folder stops nobody."""
    environment = {**os.environ, "VECMILL_LOCKS": str(tmp_path / "a")}
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "out"], env=environment, check=False)
    assert done.returncode == 9
    assert (tmp_path / "out" / ".vecmill.holder.json").is_file()
    with elsewhere(second):
        pass
    assert not (tmp_path / "out" / ".vecmill.holder.json").exists()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="Linux says which files are open")
def test_a_lock_elsewhere_keeps_no_file_of_the_folder_open(elsewhere, tmp_path):
    """For a volume that is shared between machines cannot be brought up to date while one is."""
    with elsewhere("a"):
        held = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        assert not [path for path in held if path.startswith(str(tmp_path / "out"))]
        assert [path for path in held if path.startswith(str(tmp_path / "a"))]


def test_a_lock_on_another_machine_is_none_of_ours(elsewhere, tmp_path):
    """Nobody here can know whether it is held; it stops nobody for ever."""
    (tmp_path / "out").mkdir()
    (tmp_path / "held").touch()
    holder = json.dumps({"lock": str(tmp_path / "held"), "machine": "another"})
    with filelock.FileLock(tmp_path / "held"):
        (tmp_path / "out" / ".vecmill.holder.json").write_text(holder)
        with elsewhere(""):
            pass


def test_a_holder_that_names_another_file_holds_nothing(elsewhere, tmp_path):
    """A note in a folder that somebody else made has no file of this machine opened, and keeps nobody out."""
    (tmp_path / "out").mkdir()
    with filelock.FileLock(tmp_path / "theirs"):
        holder = json.dumps({"lock": str(tmp_path / "theirs"), "machine": platform.node()})
        (tmp_path / "out" / ".vecmill.holder.json").write_text(holder)
        with elsewhere(""):
            pass


@pytest.mark.fault(
    "folder",
    "what a command writes in a dataset's folder is a link to somebody's file or folder",
    promise="The command is refused before it writes or removes anything, and names the link.",
)
@pytest.mark.parametrize("name", [".vecmill", ".vecmill/tmp", ".vecmill/receipts", ".vecmill.lock"])
def test_a_link_in_the_place_of_a_note_is_refused(tmp_path, name):
    """What it leads to is left as it was."""
    layout, theirs = Layout(tmp_path / "out"), tmp_path / "theirs"
    (theirs / "tmp").mkdir(parents=True)
    (theirs / "tmp" / "file").write_text("precious")
    (layout.root / name).parent.mkdir(parents=True)
    (layout.root / name).symlink_to(theirs)
    refusal = rf"{re.escape(name)} is a link, and vecmill makes none there"
    with pytest.raises(StoreError, match=refusal), lock_folder(layout):
        pass
    assert (theirs / "tmp" / "file").read_text() == "precious"


def test_a_holders_note_is_written_into_no_file_of_somebody_else(elsewhere, tmp_path):
    """Whether it is there by another name (a link to a file) or is a second name of it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "theirs").write_text("precious")
    note = tmp_path / "out" / ".vecmill.holder.json"
    note.hardlink_to(tmp_path / "theirs")
    with elsewhere("a"):
        pass
    assert (tmp_path / "theirs").read_text() == "precious"
    note.symlink_to(tmp_path / "theirs")
    with pytest.raises(StoreError, match="is a link"), elsewhere("a"):
        pass
    assert (tmp_path / "theirs").read_text() == "precious"


def test_a_folder_in_the_place_of_a_holders_note_stays(elsewhere, tmp_path):
    """With what somebody has put there."""
    theirs = tmp_path / "out" / ".vecmill.holder.json" / "file"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("precious")
    with elsewhere(""):
        pass
    with pytest.raises(StoreError, match="cannot write"), elsewhere("a"):
        pass
    assert theirs.read_text() == "precious"


HOLDS = """
import sys
from pathlib import Path

from vecmill.store.layout import Layout
from vecmill.store.destination import lock_folder

with lock_folder(Layout(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("locale", [{"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {}])
def test_a_lock_elsewhere_is_seen_from_another_locale(tmp_path, monkeypatch, locale):
    """Its folder's name is written in UTF-8, by a command that has another encoding for names, too."""
    monkeypatch.delenv("VECMILL_LOCKS", raising=False)
    environment = {**os.environ, **locale, "VECMILL_LOCKS": str(tmp_path / "gr\xfc\xdfe")}
    command = [sys.executable, "-c", HOLDS, tmp_path / "out"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match="another run works in"), lock_folder(Layout(tmp_path / "out")):
            pass
        holder.stdin.close()
        assert holder.wait() == 0
    with lock_folder(Layout(tmp_path / "out")):
        pass


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take UTF-8 alone")
def test_a_folder_for_locks_whose_name_is_not_utf_8_is_refused(elsewhere):
    """What names it could not be written down."""
    with pytest.raises(StoreError, match=r"VECMILL_LOCKS names, b'.*caf\\xe9', is not UTF-8"), elsewhere("caf\udce9"):
        pass
