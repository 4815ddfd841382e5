"""Tests of vecmill.cli.commands.run and the summary it prints."""

import json
import re
from hashlib import sha256

import pytest

from vecmill.cli.format import format_count
from vecmill.cli.progress import can_redraw, choose_display


def test_a_run_tells_its_account_its_speed_and_its_place(invoke, job_file, tmp_path, monkeypatch):
    """Everything a user asks afterwards, in lines that fit, with the next command ready to copy."""
    monkeypatch.chdir(tmp_path)
    result = invoke("run", job_file())
    lines = dict(re.split(r"  +", line, maxsplit=1) for line in result.stdout.splitlines())
    assert list(lines) == ["documents", "chunks", "speed", "time", "dataset", "manifest", "next"]
    assert lines["documents"] == "20 in = 20 embedded + 0 quarantined"
    assert lines["chunks"].endswith("tokens, none truncated")
    assert re.fullmatch(r"[\d,.]+ chunks/s, [\d,.]+ tokens/s", lines["speed"])
    assert lines["dataset"].startswith("out: 1 shard, ")
    assert lines["next"] == 'vecmill search out "a question"'
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_finished_run_claims_no_speed(invoke, job_file):
    """The same command again checks the shards, and says so."""
    job = job_file()
    invoke("run", job)
    again = invoke("run", job)
    assert "already complete; 1 shard checked" in again.stdout
    assert "chunks/s" not in again.stdout
    assert "nothing left to embed in 1 shard" in again.stderr


def test_a_mended_run_says_how_much_was_done_again(invoke, job_file, tmp_path):
    """One damaged shard of several is done again, and its speed is that shard's."""
    job = job_file(200, shards="target_mb = 0.05")
    invoke("run", job)
    shards = sorted((tmp_path / "out" / "data").iterdir())
    assert len(shards) > 2
    shards[1].write_bytes(b"")
    stdout = invoke("run", job).stdout
    assert f"1 of {format_count(len(shards), 'shard')} now, {len(shards) - 1} were done before" in stdout
    assert "chunks/s" in stdout


def test_what_was_set_aside_is_listed_with_its_reasons(invoke, job_file, tmp_path, monkeypatch):
    """Counts by reason, and the file to look into."""
    monkeypatch.chdir(tmp_path)
    job = job_file(top="max_quarantine = 1.0", embedder='name = "hash"\nrefuse = "number 7"')
    stdout = invoke("run", job).stdout
    assert "20 in = 19 embedded + 1 quarantined" in stdout
    assert "           1 not embedded\n" in stdout
    assert "           quarantined in out/quarantine.parquet" in stdout


def test_too_much_set_aside_is_a_failure(invoke, job_file):
    """Exit 1 with one message, and no summary that looks like success."""
    job = job_file(embedder='name = "hash"\nrefuse = "number 7"')
    result = invoke("run", job, code=1)
    assert result.stdout == ""
    assert "vecmill: 1 of 20 documents were quarantined (1 not embedded)" in result.stderr


def test_truncated_chunks_are_named(invoke, job_file):
    """Where texts were cut on request, the summary says how many."""
    keys = {"chunker": 'name = "characters"\nsize = 500', "embedder": 'name = "hash"\nmax_tokens = 20'}
    stdout = invoke("run", job_file(top="truncate = true", **keys)).stdout
    assert re.search(r"chunks .* [1-9]\d* truncated", stdout)


def test_json_is_the_manifest_and_nothing_else(invoke, job_file, tmp_path):
    """Standard output is for the machine, standard error for the user."""
    result = invoke("run", job_file(), "--json")
    manifest = (tmp_path / "out" / "manifest.json").read_bytes()
    assert json.loads(result.stdout) == {**json.loads(manifest), "manifest_sha256": sha256(manifest).hexdigest()}
    assert "20.0 kB" not in result.stdout
    assert "of text in 1 shard" in result.stderr


def test_a_run_prints_what_verify_expects(invoke, job_file, tmp_path):
    """The sha256 of the manifest, in the summary, the JSON and the log, also of a run that was finished before."""
    path, log = job_file(), tmp_path / "log"
    (shown,) = re.findall(r"^manifest +([0-9a-f]{64})$", invoke("run", path).stdout, flags=re.MULTILINE)
    assert json.loads(invoke("run", path, "--json", "--log-json", log).stdout)["manifest_sha256"] == shown
    lines = map(json.loads, log.read_text().splitlines())
    assert [line["manifest_sha256"] for line in lines if line["event"] == "run.published"] == [shown]
    invoke("verify", tmp_path / "out", "--expect", shown)
    result = invoke("verify", tmp_path / "out", "--expect", "0" * 64, code=1)
    assert f"manifest.json: its sha256 is {shown}, not the expected {'0' * 64}" in result.stderr
    assert invoke("verify", tmp_path / "out", "--expect", "abc", code=2).stderr.startswith("vecmill: ")


@pytest.mark.fault(
    "disk",
    "the card of a finished dataset is removed",
    promise="`vecmill verify` names it, and the next run writes it again; nothing else changes.",
)
def test_a_card_that_was_removed_is_written_again_by_the_same_command(invoke, job_file, tmp_path):
    """And nothing else: the manifest keeps its hash."""
    path, card, manifest = job_file(), tmp_path / "out" / "README.md", tmp_path / "out" / "manifest.json"
    invoke("run", path)
    before = card.read_bytes(), manifest.read_bytes()
    card.unlink()
    assert "README.md: the file is missing" in invoke("verify", tmp_path / "out", code=1).stderr
    invoke("run", path)
    assert (card.read_bytes(), manifest.read_bytes()) == before
    invoke("verify", tmp_path / "out")


def test_a_card_keeps_the_users_own_text_when_a_shard_is_done_again(invoke, job_file, tmp_path):
    """What stands between the marks is the user's."""
    path, card = job_file(shards="target_mb = 0.01"), tmp_path / "out" / "README.md"
    invoke("run", path)
    card.write_text(card.read_text().replace("next run. -->\n", "next run. -->\nMine.\n"))
    next((tmp_path / "out" / "data").iterdir()).unlink()
    invoke("run", path, "--set", "source.license=mit")
    assert "next run. -->\nMine.\n<!-- End" in card.read_text()
    invoke("verify", tmp_path / "out")


def test_quiet_is_quiet(invoke, job_file):
    """No progress; the summary stays."""
    result = invoke("run", job_file(), "--quiet")
    assert result.stderr == ""
    assert result.stdout.startswith("documents ")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("source.limt=3", "source.limt: unknown key; did you mean 'limit'?"),
        ("embedder.dimension=many", "embedder.dimension: "),
        ("embedder.name=hush", "there is no embedder 'hush', did you mean 'hash'?"),
        ("nonsense", "--set nonsense: write it as key=value"),
    ],
)
def test_a_wrong_key_type_or_name_is_refused_before_any_work(invoke, job_file, tmp_path, override, message):
    """Exit 2, one message that names the key, and no folder left behind."""
    result = invoke("run", job_file(), "--set", override, code=2)
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_overrides_reach_the_job(invoke, job_file):
    """``--set`` may be repeated."""
    stdout = invoke("run", job_file(), "--set", "source.limit=3", "--set", "chunker.max_tokens=16").stdout
    assert "3 in = 3 embedded" in stdout


def test_a_broken_plugin_is_a_warning(invoke, job_file, monkeypatch):
    """It is named, and the run goes on without it."""
    from vecmill.plugins import Problem, load

    monkeypatch.setitem(load().problems, "bad", Problem("bad", "bad 1.0", "boom"))
    result = invoke("run", job_file())
    assert "vecmill: warning: plugin 'bad' (bad 1.0) cannot be used" in result.stderr


def test_the_display_suits_where_standard_error_goes(monkeypatch):
    """A bar needs a terminal that can redraw; a pipe and a dumb terminal get lines; quiet gets nothing."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert (can_redraw(), choose_display(quiet=False).__name__) == (True, "bar")
    monkeypatch.setenv("TERM", "dumb")
    assert (can_redraw(), choose_display(quiet=False).__name__) == (False, "lines")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    assert choose_display(quiet=False).__name__ == "lines"
    assert choose_display(quiet=True).__name__ == "_nothing"
