"""Tests of vecmill.store.lock."""

import os

import pytest

from vecmill.errors import StoreError
from vecmill.store.layout import Layout
from vecmill.store.lock import locked


def test_the_second_command_in_a_folder_is_refused(tmp_path):
    """While one command holds a folder, another gets one clear error; afterwards the folder is free and clean."""
    layout = Layout(tmp_path / "out")
    with locked(layout), pytest.raises(StoreError, match="another run works in"), locked(layout):
        pass
    with locked(layout):
        pass
    assert list(layout.root.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path):
    """A folder that cannot be written is named, with what to do."""
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"), locked(Layout(tmp_path / "out")):
        pass


def test_a_file_where_the_folder_should_be_is_refused(tmp_path):
    """An output path that is a file is one clear error."""
    (tmp_path / "out").write_text("")
    with pytest.raises(StoreError, match="cannot be written"), locked(Layout(tmp_path / "out")):
        pass
