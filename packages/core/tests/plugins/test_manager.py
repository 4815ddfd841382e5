"""Tests of vecmill.plugins.manager: real entry points of real distributions, in a process of their own."""

import json
import subprocess
import sys
import textwrap

import pytest

LIST = """
import json
from vecmill.plugins import load
p = load()
print(json.dumps({"chunkers": sorted(p.registry.entries["chunker"]), "problems": p.problems,
                  "loaded": sorted(p.loaded), "disabled": p.disabled}))
"""
GOOD = """
from vecmill import Chunker, Options, Span, hookimpl

class Whole(Chunker[Options]):
    name = "whole"
    def spans(self, document):
        return [Span(0, len(document.text))]

@hookimpl
def vecmill_register_chunkers(register):
    register(Whole)
"""


@pytest.fixture
def installed(tmp_path):
    """Install modules as plugins in a folder of their own, and list what a new process finds there."""

    def run(modules, **environment):
        for name, source in modules.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
            info = tmp_path / f"{name}-1.2.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
            (info / "entry_points.txt").write_text(f"[vecmill]\n{name} = {name}\n")
        env = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", **environment}
        done = subprocess.run([sys.executable, "-c", LIST], env=env, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return run


def test_an_installed_plugin_is_found(installed):
    """One module and one entry point add a chunker."""
    found = installed({"good": GOOD})
    assert "whole" in found["chunkers"]
    assert "good" in found["loaded"]
    assert found["problems"] == {}


@pytest.mark.fault(
    "plugin",
    "an installed plugin is broken",
    promise="It is named and left out; the command and the other plugins go on.",
)
@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("raise RuntimeError('no licence')", "no licence"),
        ("import not_installed_anywhere", "not_installed_anywhere"),
        ("import sys; sys.exit(3)", "SystemExit"),
        (GOOD.replace("vecmill_register_chunkers", "vecmill_register_chunkerz"), "vecmill_register_chunkerz"),
        (GOOD.replace('name = "whole"', 'name = "paragraphs"'), "already registered by plugin 'vecmill'"),
        (GOOD.replace("register(Whole)", "register(Whole); 1 / 0"), "ZeroDivisionError"),
    ],
)
def test_a_broken_plugin_is_named_and_the_others_go_on(installed, broken, why):
    """Whatever a plugin does when it loads, it is left out whole, by name, with the switch that disables it."""
    found = installed({"bad": broken, "good": GOOD})
    assert why in found["problems"]["bad"]
    assert "bad 1.2" in found["problems"]["bad"]
    assert "VECMILL_DISABLE_PLUGINS=bad" in found["problems"]["bad"]
    assert "whole" in found["chunkers"]
    assert "paragraphs" in found["chunkers"]


def test_a_disabled_plugin_is_not_even_imported(installed):
    """The switch keeps a plugin's code from running."""
    found = installed({"bad": "raise RuntimeError"}, VECMILL_DISABLE_PLUGINS="bad, other")
    assert found["disabled"] == ["bad"]
    assert found["problems"] == {}
