"""The log of events, through the commands that write it."""

import io
import json
from datetime import UTC, datetime

import pytest

from vecmill.cli.json_log import LONGEST, Log, log_command


def lines(text):
    """Return the events of a log."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_run_is_told_from_its_first_line_to_its_last(invoke, job_file, tmp_path):
    """Every line has a time, a level and a name; those of the run have its id; the numbers are the manifest's."""
    log = tmp_path / "log.jsonl"
    invoke("run", job_file(), "--log-json", log)

    events = lines(log.read_text())
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert len(events) == len(log.read_text().splitlines())
    assert [event["event"] for event in events if event["event"] != "shard.progress"] == [
        "command.started",
        "run.started",
        "shard.done",
        "run.finished",
        "run.published",
        "command.ended",
    ]
    assert all(datetime.fromisoformat(event["time"]).tzinfo == UTC for event in events)
    assert {event["level"] for event in events} == {"info"}
    assert {event["run_id"] for event in events[1:]} == {manifest["run_id"]}
    (done,) = [event for event in events if event["event"] == "shard.done"]
    assert (done["file"], done["sha256"]) == (manifest["shards"][0]["path"], manifest["shards"][0]["sha256"])
    for event in (done, events[-3]):
        assert manifest["account"].items() <= event.items()
    assert events[-1]["exit_code"] == 0


def test_a_log_is_added_to(invoke, job_file, tmp_path):
    """The second command of an interrupted run does not erase what the first one said."""
    log = tmp_path / "log.jsonl"
    for _ in range(2):
        invoke("run", job_file(), f"--log-json={log}")
    assert [event["exit_code"] for event in lines(log.read_text()) if event["event"] == "command.ended"] == [0, 0]


def test_no_text_of_a_document_is_in_the_log(invoke, job_file, tmp_path):
    """Nor a title: counts, names of files and errors are."""
    log = tmp_path / "log.jsonl"
    invoke("run", job_file(embedder='name = "hash"\nrefuse = "number 7"'), "--log-json", log, code=1)
    assert "is about the number" not in log.read_text()
    assert "Title" not in log.read_text()


def test_an_error_is_the_last_line(invoke, job_file, tmp_path):
    """With its message, its kind and the exit code of the process."""
    log = tmp_path / "log.jsonl"
    invoke("run", job_file(), "--set", "source.limt=3", "--log-json", log, code=2)
    ended = lines(log.read_text())[-1]
    assert (ended["event"], ended["level"], ended["exit_code"]) == ("command.ended", "error", 2)
    assert (ended["kind"], "did you mean 'limit'" in ended["error"]) == ("ConfigError", True)


def test_an_interruption_is_the_last_line_of_what_it_interrupts(tmp_path):
    """No error, and the exit code that says that the same command goes on."""
    with pytest.raises(KeyboardInterrupt), log_command(str(tmp_path / "log"), "run", "job.toml"):
        raise KeyboardInterrupt
    ended = lines((tmp_path / "log").read_text())[-1]
    assert (ended["event"], ended["level"], ended["exit_code"]) == ("command.ended", "warning", 130)


def test_without_a_file_the_log_takes_the_place_of_progress(invoke, job_file):
    """On standard error, and nothing but events is there."""
    result = invoke("run", job_file(), "--log-json")
    assert len(lines(result.stderr)) == len(result.stderr.splitlines())
    assert result.stdout.startswith("documents ")


@pytest.mark.parametrize("command", ["run", "publish"])
def test_what_follows_is_not_taken_for_the_logs_file_in_silence(invoke, job_file, tmp_path, command):
    """A job or a folder behind the option is most likely what the command is about."""
    subject = job_file() if command == "run" else tmp_path
    assert "was taken for the log's file" in invoke(command, "--log-json", subject, code=2).stderr


def test_a_log_that_cannot_be_written_is_refused_before_any_work(invoke, job_file, tmp_path):
    """Exit 2, and nothing was begun."""
    result = invoke("run", job_file(), "--log-json", tmp_path / "none" / "log", code=2)
    assert "cannot be written (No such file or directory): name another file" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_disk_that_fills_up_ends_the_log_and_not_the_run(capsys):
    """It is said once; what was to be logged is not."""

    class Full(io.StringIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    log = Log(Full())
    log.write("run.started")
    log.write("run.finished")
    assert capsys.readouterr().err == (
        "vecmill: the log cannot be written (No space left on device); the run goes on\n"
    )


@pytest.mark.parametrize("value", ["hf_token_of_the_user", "a password of some length"])
def test_secrets_are_left_out_and_long_texts_are_cut(monkeypatch, value):
    """A worker's line may quote anything."""
    monkeypatch.setenv("MY_TOKEN", value)
    stream = io.StringIO()
    Log(stream).write("worker.said", text=f"{value} " + "x" * 2 * LONGEST, reasons={"a": value})
    (event,) = lines(stream.getvalue())
    assert event["text"].startswith("*** xxx")
    assert len(event["text"]) == LONGEST + 1
    assert event["reasons"] == {"a": "***"}
