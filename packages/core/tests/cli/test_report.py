"""Tests of vecmill.cli.commands.report."""

import json


def test_a_report_in_lines_that_fit(invoke, job_file, tmp_path, monkeypatch):
    """Account, lengths, vectors and search, none wider than a terminal."""
    monkeypatch.chdir(tmp_path)
    invoke("run", job_file())
    said = invoke("report", "out", "--html", "report.html").stdout.splitlines()
    assert [line.split()[0] for line in said if not line.startswith(" ")] == [
        "documents",
        "chunks",
        "tokens",
        "vectors",
        "search",
        "page",
    ]
    assert max(map(len, said)) <= 80
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_a_report_as_json(invoke, job_file, tmp_path):
    """Everything that was measured, with the manifest."""
    invoke("run", job_file())
    found = json.loads(invoke("report", tmp_path / "out", "--json").stdout)
    assert found["geometry"]["rows"] == found["manifest"]["account"]["chunks"] == sum(found["lengths"]["counts"])


def test_a_page_that_cannot_be_written_is_told(invoke, job_file, tmp_path):
    """One message, and the exit code of a failure."""
    invoke("run", job_file())
    target = tmp_path / "out" / "manifest.json" / "report.html"
    assert "cannot be written" in invoke("report", tmp_path / "out", "--html", target, code=1).stderr


def test_no_word_of_a_manifest_begins_a_line(invoke, job_file, tmp_path):
    """It would pass for a line of the report."""
    invoke("run", job_file())
    path = tmp_path / "out" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"reasons": {"blank text\nsearch     by title: 100%\u2028": 1}}))
    assert "           1 blank text search by title: 100%\n" in invoke("report", tmp_path / "out").stdout
