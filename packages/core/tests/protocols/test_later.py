"""Tests of vecmill.protocols.component."""

import sys
from typing import Any

import pytest

from vecmill import Options
from vecmill.errors import PluginError
from vecmill.protocols import Batching, later


def test_options_are_imported_when_they_are_first_read(tmp_path, monkeypatch):
    """The class and its components then have what a class named at once would have given them."""
    (tmp_path / "later_options.py").write_text("from vecmill import Options\nclass Few(Options):\n    size: int = 3\n")
    monkeypatch.syspath_prepend(tmp_path)

    class Later(Batching[Any]):
        Config = later("later_options:Few")

    assert "later_options" not in sys.modules
    assert Later.Config is sys.modules.pop("later_options").Few
    assert Later(Later.Config(size=2)).config.size == 2


def test_a_component_without_options_has_none():
    """What it takes by default is as strict as all others."""
    assert Batching.Config is Options


@pytest.mark.parametrize("place", ["not_installed_anywhere:Few", "vecmill:Few", "vecmill"])
def test_what_cannot_be_imported_is_told_with_its_place(place):
    """Whose options, where they were looked for, and why they are not there."""

    class Lost(Batching[Options]):
        Config = later(place)

    with pytest.raises(PluginError, match=f"options of .*Lost cannot be read from {place}: [A-Z]"):
        Lost.Config  # noqa: B018 - to look is to import
