"""read_settings: a missing file is nothing, a damaged one an error."""

from __future__ import annotations

import pytest

from vecmill.errors import ModelError
from vecmill.models.settings import read_settings


def test_a_missing_file_is_none(tmp_path):
    """Most of a model's files are optional."""
    assert read_settings(tmp_path / "modules.json", list) is None


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"\xff\xfe{}", b"[]", b"null"])
def test_a_damaged_file_is_named(content, tmp_path):
    """Truncated, not UTF-8, or of another shape: the message names the file."""
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"config\.json .*Get the model's files again"):
        read_settings(path, dict)


def test_a_folder_in_a_files_place_is_an_error_too(tmp_path):
    """Whatever the system says is passed on."""
    (tmp_path / "config.json").mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        read_settings(tmp_path / "config.json", dict)
