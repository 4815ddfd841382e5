"""Tests of vecmill.plugins.registry."""

import pytest

from vecmill import Chunker, Options, Span
from vecmill.errors import ConfigError, PluginError
from vecmill.plugins import Problem, Registry
from vecmill.testing import HashEmbedder


class Whole(Chunker[Options]):
    """One chunk for each document."""

    name = "whole"

    def spans(self, document):
        """Return all of it."""
        return [Span(0, len(document.text))]


def test_a_registered_class_is_found_by_its_name():
    """Register, then get."""
    registry = Registry()
    registry.add("chunker", Whole, "p")
    assert registry.get("chunker", "whole") is Whole


def test_a_name_taken_twice_is_refused_and_names_the_first():
    """Two plugins cannot own one name; the message says whose it is."""
    registry = Registry()
    registry.add("chunker", Whole, "first")
    with pytest.raises(PluginError, match="already registered by plugin 'first'"):
        registry.add("chunker", Whole, "second")


def test_a_plugin_is_taken_out_with_all_it_registered():
    """What the others registered stays."""
    registry = Registry()
    registry.add("chunker", Whole, "p")
    registry.add("embedder", HashEmbedder, "q")
    rest = registry.without("p")
    assert (list(rest.entries["chunker"]), list(rest.entries["embedder"])) == ([], ["hash"])


def test_an_unknown_name_suggests_the_nearest_and_lists_all():
    """A typing error in a job file is answered with what was meant."""
    registry = Registry()
    registry.add("chunker", Whole, "p")
    with pytest.raises(ConfigError, match="no chunker 'whle', did you mean 'whole'\\?; installed: whole"):
        registry.get("chunker", "whle")


def test_what_another_package_of_ours_brings_is_named_with_its_extra():
    """Who installed the core alone reads what to install."""
    with pytest.raises(
        ConfigError, match=r'no runtime .local.; installed: none. It comes with pip install "vecmill\[local\]"'
    ):
        Registry().get("runtime", "local")


def test_a_name_that_no_broken_plugin_has_is_not_blamed_on_one(tmp_path, monkeypatch):
    """Code is searched, in a module, a package and a namespace; where there is none to read, the plugin may have it."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "space" / "inner").mkdir(parents=True)
    (tmp_path / "space" / "inner" / "part.py").write_text("name = 'whole'")
    (tmp_path / "space" / "other.py").write_text("name = 'else'")
    (tmp_path / "single.py").write_text('name = "lines"')
    modules = {"inner": "space.inner.part", "other": "space.other", "single": "single", "gone": "no_such_module"}
    registry = Registry(problems={name: Problem(name, f"{name} 1.0", "boom", at) for name, at in modules.items()})
    blamed = {
        name: [each.plugin for each in registry.blame("chunker", name)] for name in ("whole", "else", "lines", "x")
    }
    assert blamed == {"whole": ["inner"], "else": ["other"], "lines": ["single"], "x": ["gone"]}
    with pytest.raises(ConfigError, match=r"'x': plugin 'gone' \(gone 1.0\), which may have it, .*: boom; install"):
        registry.get("chunker", "x")
    assert registry.blame("runtime", "local") == []


class Nameless(Chunker[Options]):
    """A chunker without a name."""

    def spans(self, document):
        """Return nothing."""
        return []


class Unfinished(Chunker[Options]):
    """A chunker without spans."""

    name = "unfinished"


class Misconfigured(Whole):
    """A chunker whose Config is no model."""

    name = "misconfigured"
    Config = dict


class Misread(Whole):
    """A chunker whose Config is not even a class."""

    name = "misread"
    Config = {"size": 3}  # noqa: RUF012 - the fault


@pytest.mark.parametrize(
    ("cls", "problem"),
    [
        (Nameless, "has no name"),
        (Unfinished, r"lacks spans\(\)"),
        (Misconfigured, "Config is not a pydantic model"),
        (Misread, "Config is not a pydantic model"),
        (int, "derive it from vecmill.Chunker"),
        ("text", "derive it from vecmill.Chunker"),
    ],
)
def test_a_class_that_breaks_the_protocol_is_refused(cls, problem):
    """What is missing is named, and what to do."""
    with pytest.raises(PluginError, match=problem):
        Registry().add("chunker", cls, "p")
