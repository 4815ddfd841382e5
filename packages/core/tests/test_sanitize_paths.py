"""A home is found in a path, and what cannot be a path is refused."""

from pathlib import Path

import pytest

from vecmill.errors import ConfigError
from vecmill.sanitize import expand_path


def test_a_home_is_found_and_all_else_stays(monkeypatch, tmp_path):
    """Whether or not anything is there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand_path("~/models") == tmp_path / "models"
    assert expand_path("a/b.txt") == Path("a/b.txt")
    (tmp_path / "file").touch()
    assert expand_path(f"{tmp_path}/file/x") == tmp_path / "file" / "x"


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x", "a\0b", "x" * 5000, "loop"])
def test_what_cannot_be_a_path_is_one_message(path, tmp_path, monkeypatch):
    """It names the path, and is an error of the job's."""
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    with pytest.raises(ConfigError, match="cannot be a path: "):
        expand_path(path)
