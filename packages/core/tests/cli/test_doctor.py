"""Tests of vecmill.cli.commands.doctor and of the diagnosis behind it."""

import json

import pytest

from vecmill.cli import environment as packages
from vecmill.cli.commands import doctor as diagnosis
from vecmill.cli.environment import Check, Package
from vecmill.errors import ConfigError
from vecmill.plugins import Problem, load

CHECKS = [
    Check("python", "ok", "3.13.1 on Linux x86_64"),
    Check("hub token", "note", "none", "only for private repositories"),
]
FAILED = Check("openvino", "fail", "not installed", 'pip install "vecmill[local]"')


@pytest.fixture
def found(monkeypatch):
    """Make the diagnosis what a test says."""
    return lambda *checks: monkeypatch.setattr(diagnosis, "diagnose", lambda: iter(checks))


def test_a_machine_that_can_do_the_work_exits_0(invoke, found):
    """A mark for each line, and a hint below what has one; a note is no fault."""
    found(*CHECKS)
    assert invoke("doctor").stdout.splitlines() == [
        "ok    python     3.13.1 on Linux x86_64",
        "note  hub token  none",
        "                 -> only for private repositories",
        "",
        "ready to run on this machine",
    ]


def test_what_a_run_needs_and_cannot_have_exits_1(invoke, found):
    """With what to do about it."""
    found(*CHECKS, FAILED)
    stdout = invoke("doctor", code=1).stdout
    assert "fail  openvino   not installed\n" in stdout
    assert '-> pip install "vecmill[local]"' in stdout
    assert stdout.endswith("1 problem to solve\n")


def test_json_has_every_check(invoke, found):
    """For scripts, with the same exit codes."""
    found(*CHECKS, FAILED)
    shown = json.loads(invoke("doctor", "--json", code=1).stdout)
    assert shown["ok"] is False
    assert [check["level"] for check in shown["checks"]] == ["ok", "note", "fail"]
    assert set(shown["checks"][0]) == {"name", "level", "found", "hint"}


def test_lines_fit_the_terminal(invoke, found, monkeypatch):
    """Long findings and hints are wrapped under their column."""
    monkeypatch.setenv("COLUMNS", "60")
    found(Check("processor", "note", "word " * 50, "hint " * 50))
    assert max(map(len, invoke("doctor").stdout.splitlines())) <= 60


def test_the_real_diagnosis_of_this_environment_finds_nothing_missing():
    """All that the tests run with is what a local run needs."""
    checks = list(diagnosis.diagnose())
    assert [check for check in checks if check.level == "fail"] == []
    names = {check.name for check in checks}
    assert {
        "python",
        "numpy",
        "pyarrow",
        "processor",
        "processors",
        "memory",
        "disk",
        "hub token",
        "plugins",
        "modal",
    } <= names
    assert all(check.found for check in checks)


def test_what_one_command_brings_is_one_problem(invoke, monkeypatch):
    """Packages that are missing, and all that is missing with them, are one line and counted once."""
    absent = ("vecmill-local-runtime", "vecmill-openvino", "vecmill-publishers", "openvino")
    told = [Package(item.name, "no_such") if item.name in absent else item for item in packages.PACKAGES]
    monkeypatch.setattr(packages, "PACKAGES", told)
    for kind, name in diagnosis.NEEDED:
        monkeypatch.delitem(load().registry.entries[kind], name)
    shown = invoke("doctor", code=1).stdout
    assert shown.endswith("1 problem to solve\n")
    (check,) = (check for check in diagnosis.diagnose() if check.level == "fail")
    assert check.name == "vecmill[local]"
    assert check.found == (
        "not installed: vecmill-local-runtime, vecmill-openvino, vecmill-publishers, openvino; "
        "needed by embedder openvino, runtime local, publisher parquet"
    )
    assert check.hint == 'pip install "vecmill[local]"'


def test_plugin_faults_are_told_and_missing_parts_fail(monkeypatch):
    """A broken plugin is a note: the run may not need it. An embedder that is not there is needed."""
    monkeypatch.setitem(load().problems, "bad", Problem("bad", "bad 1.0", "boom"))
    monkeypatch.delitem(load().registry.entries["embedder"], "openvino")
    checks = {check.name: check for check in diagnosis._check_plugins()}
    found = "bad 1.0 failed and was left out: boom"
    assert (checks["plugin bad"].level, checks["plugin bad"].found) == ("note", found)
    assert "VECMILL_DISABLE_PLUGINS=bad" in checks["plugin bad"].hint
    assert (checks["vecmill[local]"].level, checks["vecmill[local]"].found) == ("fail", "there is no embedder openvino")
    assert "plugin has failed or is disabled" in checks["vecmill[local]"].hint


def test_an_installation_that_cannot_even_list_its_plugins_is_diagnosed(monkeypatch):
    """The doctor does not die of the illness."""

    def broken():
        raise ConfigError("no")

    monkeypatch.setattr("vecmill.plugins.load", broken)
    (check,) = diagnosis._check_plugins()
    assert (check.level, check.found) == ("fail", "ConfigError: no")


def test_a_full_disk_and_a_folder_that_is_not_writable_are_noted(monkeypatch, tmp_path):
    """The output may go elsewhere, so they are notes."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10_000_000}))
    check = diagnosis._check_disk(tmp_path)
    assert (check.level, check.found) == ("note", f"10.0 MB free in {tmp_path}")
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "cannot be written" in diagnosis._check_disk(tmp_path).found


def test_without_the_engine_the_processor_is_still_named(monkeypatch):
    """What it computes in is left open, and how to know is said."""

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    check = diagnosis._check_processor()
    assert check.level == "note"
    assert check.found
