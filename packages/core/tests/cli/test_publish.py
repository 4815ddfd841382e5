"""``vecmill publish``, and how its progress looks."""

import pytest

import vecmill
from vecmill.cli.commands.publish import show_delivery
from vecmill.records import Publishing


@pytest.fixture
def dataset(corpus, job):
    """A finished dataset's folder."""
    return vecmill.run(job(corpus({"id": "1", "text": "Some text."}))).path


def test_the_place_is_all_that_is_printed(invoke, dataset, tmp_path):
    """For a script to go on with."""
    done = invoke("publish", dataset, "--to", "parquet", "--set", f"path={tmp_path / 'copy'}")
    assert done.stdout == f"{tmp_path / 'copy'}\n"
    assert done.stderr == ""


def test_a_dry_run_says_what_it_would_do(invoke, dataset, tmp_path):
    """In lines, and nothing is done."""
    done = invoke("publish", dataset, "--to", "parquet", "--set", f"path={tmp_path / 'copy'}", "--dry-run")
    wanted = f"would write 1 file of {dataset} to {tmp_path / 'copy'}\n"
    assert done.stdout == f"{wanted}would write the card and the manifest of {tmp_path / 'copy'}\n"
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "parquet", "--set", "private=true"), "publisher.private: unknown key"),
        (("--to", "hub", "--set", "repo"), "write it as key=value"),
        (("--to", "nowhere"), "nowhere"),
    ],
)
def test_a_mistake_ends_with_2_and_one_message(invoke, dataset, arguments, said):
    """Each names the key or the word that is wrong."""
    done = invoke("publish", dataset, *arguments, code=2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_in_a_pipe_progress_is_a_line_now_and_then(capsys):
    """The first and the last, and none for each of many events in a moment."""
    with show_delivery(quiet=False) as show:
        for done in range(0, 101, 10):
            show(Publishing("https://hub/x", done * 10**6, 100 * 10**6))
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.splitlines() == [
        "vecmill: 0 bytes of 100.0 MB are at https://hub/x",
        "vecmill: 100.0 MB of 100.0 MB are at https://hub/x",
    ]


def test_on_a_terminal_progress_is_a_bar_over_bytes(capsys, monkeypatch):
    """Counted in bytes of the whole dataset."""
    monkeypatch.setattr("vecmill.cli.commands.publish.can_redraw", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with show_delivery(quiet=False) as show:
        show(Publishing("https://hub/x", 25 * 10**6, 100 * 10**6))
    assert "25.0/100.0 MB" in capsys.readouterr().err


def test_quiet_is_quiet(capsys):
    """Nothing at all."""
    with show_delivery(quiet=True) as show:
        show(Publishing("x", 1, 1))
    assert capsys.readouterr() == ("", "")
