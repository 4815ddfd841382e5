"""Tests of vecmill.cli.commands.plugins and the inventory behind it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from vecmill import __version__
from vecmill.cli.commands.plugins import take_inventory
from vecmill.plugins import KINDS, load

BROKEN = """
[vecmill]
broken = broken_plugin_of_this_test
"""


def test_every_component_is_listed_with_its_plugin_and_every_plugin_with_its_package(invoke):
    """Kind, name, plugin and a sentence; below, where a plugin comes from."""
    lines = invoke("plugins").stdout.splitlines()
    assert lines[0].split() == ["kind", "name", "plugin", "what", "it", "is"]
    for kind in KINDS:
        assert any(line.startswith(f"{kind} ") for line in lines)
    assert any(re.match(r"chunker +paragraphs +vecmill +\w", line) for line in lines)
    assert any(re.match(r"runtime +inline +vecmill-testing +\w+", line) for line in lines)
    version = re.escape(__version__)
    assert any(re.fullmatch(rf"vecmill +vecmill {version} +in use", line) for line in lines)
    for name in ("local-runtime", "openvino"):
        assert any(re.fullmatch(rf"{name} +vecmill-{name} {version} +in use", line) for line in lines)


def test_the_table_fits_the_terminal(invoke, monkeypatch):
    """The last column is wrapped."""
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, invoke("plugins").stdout.splitlines())) <= 80


def test_json_has_the_options_too(invoke):
    """What a job file can set, for tools."""
    found = json.loads(invoke("plugins", "--json").stdout)
    paragraphs = next(item for item in found["components"] if item["name"] == "paragraphs")
    assert paragraphs["kind"] == "chunker"
    assert paragraphs["distribution"] == "vecmill"
    assert {"max_tokens", "title"} <= set(paragraphs["options"])
    assert found["problems"] == {}


def test_every_built_in_component_says_what_it_is():
    """In a sentence of its own, not the one of the protocol it inherits."""
    summaries = {item.name: item.summary for item in take_inventory().components if item.plugin == "vecmill"}
    assert all(summaries.values())
    assert len(set(summaries.values())) == len(summaries)


def test_a_plugin_that_only_observes_is_listed(monkeypatch):
    """It brings no component, and is in use all the same."""
    monkeypatch.setitem(load().loaded, "watcher", "vecmill-watcher 1.2")
    (item,) = (item for item in take_inventory().components if item.kind == "observer")
    assert (item.name, item.distribution, item.version) == ("watcher", "vecmill-watcher", "1.2")


def test_a_broken_and_a_disabled_plugin_are_told(tmp_path):
    """The broken one with its reason and the switch that silences it, the disabled one by name; exit 0."""
    info = tmp_path / "vecmill_broken-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(BROKEN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vecmill-broken\nVersion: 1.0\n")
    (tmp_path / "broken_plugin_of_this_test.py").write_text("raise RuntimeError('no such engine')")
    wide = {"COLUMNS": "200", "PYTHONPATH": str(tmp_path), "VECMILL_DISABLE_PLUGINS": "publishers"}
    command = Path(sys.executable).with_name("vecmill")
    done = subprocess.run([command, "plugins"], capture_output=True, text=True, check=True, env={**os.environ, **wide})
    package = rf"vecmill-publishers {re.escape(__version__)}"
    assert re.search(rf"^publishers +{package} +disabled: VECMILL_DISABLE_PLUGINS names it$", done.stdout, re.MULTILINE)
    broken = r"^broken +vecmill-broken 1\.0 +broken: RuntimeError: no such engine; .*VECMILL_DISABLE_PLUGINS=broken$"
    assert re.search(broken, done.stdout, re.MULTILINE)
    assert "publisher " not in done.stdout
