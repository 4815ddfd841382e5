"""Packages that are there, missing or damaged: real imports in real processes."""

from vecmill.cli import environment as packages
from vecmill.cli.environment import Package


def judge(monkeypatch, *found):
    """Check these packages in place of the real ones."""
    monkeypatch.setattr(packages, "PACKAGES", found)
    return list(packages.check_packages())


def test_a_package_that_works_has_its_version(monkeypatch):
    """And no hint."""
    (check,) = judge(monkeypatch, Package("click", "click", "hint"))
    assert (check.level, check.hint) == ("ok", "")
    assert check.found[0].isdigit()


def test_a_missing_package_is_a_note_or_is_counted_among_those_that_a_run_needs(monkeypatch):
    """What to install is in the hint of the first; for all the others it is the same."""
    (note,) = judge(
        monkeypatch, Package("needed", "no_such"), Package("optional", "no_such", "this"), Package("b", "no")
    )
    assert (note.name, note.level, note.found, note.hint) == ("optional", "note", "not installed", "this")
    assert packages.list_missing() == ["needed", "b"]


def test_a_package_whose_import_fails_or_crashes_is_told_apart_from_a_missing_one(monkeypatch, tmp_path):
    """A wheel for another processor may kill the process that imports it, but not the doctor."""
    (tmp_path / "raises_on_import.py").write_text("raise OSError('libgomp.so.1: cannot open')")
    (tmp_path / "dies_on_import.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    raises, dies = judge(monkeypatch, Package("raises", "raises_on_import"), Package("dies", "dies_on_import"))
    assert raises.level == dies.level == "fail"
    assert "libgomp.so.1: cannot open" in raises.found
    assert "killed by signal 4" in dies.found
    assert "pip install --force-reinstall dies" in dies.hint
