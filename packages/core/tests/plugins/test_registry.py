"""Tests of vecmill.plugins.registry."""

import json
import subprocess
import sys

import pytest

from vecmill import Chunker, Options, Span
from vecmill.errors import ConfigError, PluginError
from vecmill.plugins import Problem, Registry
from vecmill.plugins.registry import build, validate_options
from vecmill.records import ComponentSpec
from vecmill.sources import ParquetSource
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
    Config = dict  # type: ignore[assignment] # the fault


class Misread(Whole):
    """A chunker whose Config is not even a class."""

    name = "misread"
    Config = {"size": 3}  # type: ignore[assignment]  # noqa: RUF012 - the fault


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


LISTED = """
import json, sys
from vecmill.plugins import load

entries = {kind: dict(found) for kind, found in load().registry.entries.items()}
listed = [(kind, name, entry.summary) for kind, found in entries.items() for name, entry in found.items()]
imported = {name for name in sys.modules if name.startswith("vecmill")} | {"pydantic"} & sys.modules.keys()
said = []
for kind, found in entries.items():
    for entry in found.values():
        doc = vars(entry.cls)["__doc__"].strip().partition("\\n")[0].replace("``", "")
        said.append((kind, entry.cls.name, doc.partition(". ")[0] + "." * (". " in doc)))
print(json.dumps([listed, said, sorted(imported)]))
"""


def test_what_is_listed_without_an_import_is_what_the_import_says():
    """Name and summary of every component of this project, read from the text of its module."""
    done = subprocess.run([sys.executable, "-c", LISTED], capture_output=True, text=True, check=True)
    listed, said, imported = json.loads(done.stdout)
    assert len(listed) >= 16
    assert listed == said
    assert {name for name in imported if not name.startswith("vecmill.plugins")} <= {
        "vecmill",
        "vecmill.__about__",
        "vecmill.errors",
        "vecmill.hookspecs",
        *(f"vecmill_{package}" for package in ("local_runtime", "modal_runtime", "openvino", "publishers")),
        *(f"vecmill_{package}.plugin" for package in ("local_runtime", "modal_runtime", "openvino", "publishers")),
    }


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write the module ``lazy_lines``, in a package whose import fails, and forget it afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "lazy").mkdir()

    def write(text, package="raise ImportError('no package')"):
        (tmp_path / "lazy" / "__init__.py").write_text(package)
        (tmp_path / "lazy" / "lines.py").write_text(text)
        return "lazy.lines:Lines"

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "lazy"]:
        del sys.modules[name]


LINES = '''
from vecmill import Chunker, Options

class Lines(Chunker["Lines.Config"]):
    """Lines. Each is a chunk."""
    name = "lines"
    class Config(Options):
        size: int = 3
    def spans(self, document):
        return []
'''


def test_a_component_by_its_place_is_imported_when_it_is_used(module):
    """Name and summary are known before; neither the module nor its package is imported for them."""
    registry = Registry()
    registry.add("chunker", module(LINES), "p")
    assert registry.entries["chunker"]["lines"].summary == "Lines."
    assert "lazy" not in sys.modules
    module(LINES, package="")
    assert registry.get("chunker", "lines").Config().size == 3
    assert registry.get("chunker", "lines") is sys.modules["lazy.lines"].Lines


@pytest.mark.parametrize(
    "text",
    [
        LINES.replace('name = "lines"', 'name = "".join(("li", "nes"))'),
        LINES.replace("class Lines(", "class Rows(") + "\n\nLines = Rows\n",
        LINES.replace('    name = "lines"', "    @property\n    def name(self): ...") + "\n\nLines.name = 'lines'\n",
    ],
)
def test_a_component_that_its_modules_text_does_not_show_is_imported_at_once(module, text):
    """A name that is computed, a class that is made elsewhere."""
    registry = Registry()
    registry.add("chunker", module(text, package=""), "p")
    assert "lazy.lines" in sys.modules
    assert registry.entries["chunker"]["lines"].summary == "Lines."


def test_a_component_that_is_listed_under_another_name_than_it_has_is_refused(module):
    """A job that names the one would get the other."""
    registry = Registry()
    registry.add("chunker", module(LINES + "\n\nLines.name = 'rows'\n", package=""), "p")
    with pytest.raises(ConfigError, match=r"chunker lazy\.lines:Lines is listed as 'lines' and has the name 'rows'"):
        registry.get("chunker", "lines")


def test_a_component_that_cannot_be_imported_is_named_by_who_asks_for_it(module):
    """With its plugin, why, and what to do; nothing else of the plugin is affected."""
    registry = Registry()
    registry.add("chunker", module(LINES), "p")
    with pytest.raises(
        ConfigError,
        match=r"^chunker lazy\.lines:Lines cannot be imported: ImportError: no package; install the plugin 'p' again",
    ):
        registry.get("chunker", "lines")


def test_options_become_a_component():
    """Name and options make an instance."""
    registry = Registry()
    registry.add("embedder", HashEmbedder, "p")
    made = build(registry, "embedder", ComponentSpec(name="hash", options={"dimension": 5}))
    assert made.config.dimension == 5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"dimention": 5},
            r"embedder.dimention: unknown key; did you mean 'dimension'\? allowed: dimension, max_tokens",
        ),
        ({"dimension": "wide"}, "embedder.dimension: input should be a valid integer.*found 'wide'"),
        ({"dimension": 5, "zzz": 1}, "embedder.zzz: unknown key; allowed: dimension"),
    ],
)
def test_a_wrong_option_is_named_with_what_was_found_and_what_is_allowed(values, message):
    """Unknown keys and wrong types are told apart and explained."""
    with pytest.raises(ConfigError, match=message):
        validate_options(HashEmbedder, "embedder", values)


def test_a_wrong_key_within_an_option_is_told_by_its_place():
    """As a job file or ``--set`` would write it."""
    with pytest.raises(ConfigError, match=r"^source\.columns\.txt: input should be 'id', 'text', 'url' or 'title'"):
        validate_options(ParquetSource, "source", {"path": "a.parquet", "columns": {"txt": "body"}})


def test_every_wrong_option_is_told_at_once():
    """Two faults, two lines."""
    with pytest.raises(ConfigError) as caught:
        validate_options(HashEmbedder, "embedder", {"dimension": "x", "max_tokens": "y"})
    assert len(str(caught.value).splitlines()) == 2
