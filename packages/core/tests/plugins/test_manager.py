"""Tests of vecmill.plugins.manager: real entry points of real distributions, in a process of their own."""

import json
import re
import subprocess
import sys
import textwrap
import types

import pytest

from vecmill import Options, hookimpl
from vecmill.errors import PluginWarning
from vecmill.plugins import Plugins, load
from vecmill.records import RunSubmitted

LIST = """
import json, sys
from vecmill.plugins import Plugins, load
from vecmill.records import RunSubmitted
p = load()
if "check" in sys.argv:
    p.check()
problems = {name: str(problem) for name, problem in p.problems.items()}
print(json.dumps({"chunkers": sorted(p.registry.entries["chunker"]), "problems": problems,
                  "loaded": sorted(p.loaded), "disabled": list(p.disabled)}))
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
BY_PATH = """
from vecmill import hookimpl

@hookimpl
def vecmill_register_chunkers(register):
    register("chunker_of_bad:Whole")
"""


@pytest.fixture
def installed(tmp_path):
    """Install modules as plugins in a folder of their own, and list what a new process finds there."""

    def run(modules, *args, **environment):
        for name, source in modules.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
            info = tmp_path / f"{name}-1.2.dist-info"
            info.mkdir(exist_ok=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
            (info / "entry_points.txt").write_text(f"[vecmill]\n{name} = {name}\n")
        env = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", **environment}
        done = subprocess.run([sys.executable, "-c", LIST, *args], env=env, capture_output=True, text=True, check=True)
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
    promise="It is named and left out; the command and the other plugins work.",
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
        (GOOD.replace("@hookimpl", ""), "vecmill_register_chunkers is not marked: put @vecmill.hookimpl"),
        ("import vecmill", "none of the hooks: vecmill_register_sources, "),
        (
            GOOD.replace("@hookimpl", "@hookimpl\ndef vecmill_run_event(event): ...\n"),
            "vecmill_register_chunkers is not marked",
        ),
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


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (None, "ModuleNotFoundError: No module named 'chunker_of_bad'"),
        ("class Whole(", "SyntaxError: '(' was never closed (chunker_of_bad.py, line 1)"),
        ("class Other: ...", "AttributeError: module 'chunker_of_bad' has no attribute 'Whole'"),
        ("class Whole: ...", "Whole is not a chunker: derive it from vecmill.Chunker"),
    ],
)
def test_a_component_that_is_not_where_its_plugin_says_is_missed_at_once(installed, tmp_path, module, why):
    """Its module is looked for, and read, before anybody uses it."""
    if module:
        (tmp_path / "chunker_of_bad.py").write_text(module)
    found = installed({"bad": BY_PATH, "good": GOOD})
    assert why in found["problems"]["bad"]
    assert "VECMILL_DISABLE_PLUGINS=bad" in found["problems"]["bad"]
    assert "whole" in found["chunkers"]


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (f"import not_installed_anywhere\n{GOOD}", "ModuleNotFoundError: No module named 'not_installed_anywhere'"),
        (f"import sys\n{GOOD}\nsys.exit(3)", "SystemExit: 3"),
        (GOOD.replace("def spans", "def cuts"), "chunker 'whole' lacks spans()"),
        (f"{GOOD}\nWhole.name = 'other'", "is listed as 'whole' and has the name 'other'"),
    ],
)
def test_a_component_that_cannot_be_imported_is_missed_when_it_is_looked_at(installed, tmp_path, module, why):
    """A listing does without; a check leaves the plugin out, as broken as if it had imported its component at once."""
    (tmp_path / "chunker_of_bad.py").write_text(module)
    found = installed({"bad": BY_PATH})
    assert "whole" in found["chunkers"]
    assert found["problems"] == {}
    found = installed({"bad": BY_PATH}, "check")
    assert why in found["problems"]["bad"]
    assert "VECMILL_DISABLE_PLUGINS=bad" in found["problems"]["bad"]
    assert "bad" not in found["loaded"]
    assert "whole" not in found["chunkers"]
    assert "paragraphs" in found["chunkers"]


def test_commands_name_a_component_that_cannot_be_imported(installed, tmp_path):
    """``plugins`` lists it; ``plugins --json``, ``doctor`` and the run that uses it say why it cannot be used."""
    (tmp_path / "chunker_of_bad.py").write_text(f"import not_installed_anywhere\n{GOOD}")
    installed({"bad": BY_PATH})
    keys = {"source": {"name": "pydoc"}, "embedder": {"name": "tei", "model": "m"}, "chunker": {"name": "whole"}}
    (tmp_path / "job.toml").write_text("".join(f"[{k}]\n{toml(v)}" for k, v in keys.items()))

    def call(*args):
        env = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "COLUMNS": "300", "HOME": str(tmp_path)}
        command = [sys.executable, "-m", "vecmill", *args]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=tmp_path)

    reason = "chunker chunker_of_bad:Whole cannot be imported: ModuleNotFoundError: No module named"
    assert re.search(r"chunker +whole +bad", call("plugins").stdout)
    assert reason in json.loads(call("plugins", "--json").stdout)["problems"]["bad"]
    checks = {check["name"]: check for check in json.loads(call("doctor", "--json").stdout)["checks"]}
    assert reason in checks["plugin bad"]["found"]
    run = call("run", "job.toml")
    assert run.returncode == 2
    assert reason in run.stderr
    assert "install the plugin 'bad' again" in run.stderr


def toml(table):
    """Return a table of strings as TOML."""
    return "".join(f'{key} = "{value}"\n' for key, value in table.items())


def test_every_component_of_ours_can_be_imported():
    """Each is where its plugin says, and refuses options that it does not know."""
    load().check()
    entries = [entry for entries in load().registry.entries.values() for entry in entries.values()]
    assert all(issubclass(entry.cls.Config, Options) for entry in entries)
    assert load().problems == {}


def test_a_built_in_component_that_cannot_be_imported_is_no_plugins_fault():
    """No switch would repair the installation, so it is an error."""
    code = "import sys; from vecmill.plugins import load; load(); sys.modules[sys.argv[1]] = None; load().check()"
    command = [sys.executable, "-c", code, "vecmill.chunking.windows"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "PluginError: chunker vecmill.chunking.windows:CharactersChunker cannot be imported" in done.stderr


def test_an_observer_that_fails_is_named_and_told_no_more():
    """A run does not end with its observer, and the others hear the rest of it."""
    plugins, heard, events = Plugins(), [], [RunSubmitted("here"), RunSubmitted("there")]

    @hookimpl(specname="vecmill_run_event")
    def hears(event):
        heard.append(event)

    @hookimpl(specname="vecmill_run_event")
    def fails(event):
        raise ZeroDivisionError(event.launcher)

    for name, function in (("good", hears), ("bad", fails)):
        plugins.add(types.SimpleNamespace(observer=function), name, f"{name} 1.0")
    with pytest.warns(PluginWarning, match=r"plugin 'bad' \(bad 1.0\) failed at RunSubmitted .*Error: here"):
        plugins.observe(events[0])
    plugins.observe(events[1])
    assert heard == events
