"""A command does its work with whatever it is started with: streams, a home, a folder, a locale, names of files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

VECMILL = Path(sys.executable).with_name("vecmill")
STAND_INS = {"VECMILL_PLUGINS": "vecmill-testing=vecmill.testing.plugin"}
JOB = """
[source]
name = "jsonl"
path = "corpus.jsonl"

[embedder]
name = "hash"

[runtime]
name = "inline"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a job in it, and its dataset in ``out/job``."""
    tmp_path = tmp_path_factory.mktemp("place")
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"id": "1", "text": "Some text."}) + "\n")
    (tmp_path / "job.toml").write_text(JOB)
    assert start(tmp_path, "run", "job.toml").returncode == 0
    return tmp_path


def start(folder, *arguments, closed="", before="", **variables):
    """Run a command in a shell that closes some of its streams; the environment has nothing but what is needed."""
    environment = {"PATH": os.environ["PATH"], **STAND_INS, **variables}
    closing = " ".join({"0": "<&-", "1": ">&-", "2": "2>&-"}[number] for number in closed)
    script = f'{before} exec "$@" {closing}'
    command = ["sh", "-c", script, "sh", VECMILL, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)


@pytest.mark.parametrize("closed", ["2", "012"])
def test_streams_that_are_closed_are_no_hindrance(place, closed):
    """Each command ends with the exit code that it has otherwise."""
    for arguments, code in ((("run", "job.toml"), 0), (("verify", "out/job"), 0), (("verify", "nowhere"), 1)):
        done = start(place, *arguments, closed=closed)
        assert done.returncode == code, (arguments, done)
        assert b"Traceback" not in done.stderr


OPENS = """
import os, sys
from vecmill.cli.main import _open_streams

_open_streams()
with open(sys.argv[1], "w") as file:
    assert file.fileno() > 2
    os.write(2, b"a message")
    print("a message", file=sys.stderr)
"""


@pytest.mark.parametrize("closed", ["2", "12", "012"])
def test_no_file_gets_the_number_of_a_stream_that_is_closed(tmp_path, closed):
    """Messages would be written into it."""
    closing = " ".join({"0": "<&-", "1": ">&-", "2": "2>&-"}[number] for number in closed)
    command = ["sh", "-c", f'exec "$@" {closing}', "sh", sys.executable, "-c", OPENS, tmp_path / "file"]
    assert subprocess.run(command, check=False).returncode == 0
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize(
    "variables",
    [
        {"HOME": "/dev/null", "TERM": "nonsense", "COLUMNS": "0", "LINES": "-1", "TZ": "nonsense"},
        {"HOME": "", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["no-home-no-terminal", "no-locale"],
)
def test_an_odd_environment_is_no_hindrance(place, variables):
    """No home that could be one, no terminal, no locale: the commands work, and the doctor finds what is odd."""
    for arguments in (("run", "job.toml"), ("verify", "out/job"), ("doctor",)):
        done = start(place, *arguments, **variables)
        assert done.returncode == 0, (arguments, done)
        assert b"has a bug" not in done.stderr


FETCHES = """
from vecmill.errors import ModelError
from vecmill.models import describe_model

try:
    describe_model("user/model")
except ModelError as error:
    print(error)
"""


def test_a_home_that_has_no_room_for_the_hubs_client_is_named_with_what_to_do(place):
    """Neither the network is to blame nor would another run help; a dataset and a model are refused alike."""
    nowhere = {"HOME": "/dev/null", "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = start(place, "run", "job.toml", "-q", "--set", "source={name = 'hub', repo = 'user/data'}", **nowhere)
    environment = {"PATH": os.environ["PATH"], **nowhere}
    code = subprocess.run([sys.executable, "-c", FETCHES], env=environment, capture_output=True, check=True)
    assert done.returncode == 1
    for message in (done.stderr, code.stdout):
        assert message.count(b"\n") == 1
        assert b"the folder of the Hub's client cannot be used (" in message
        assert message.rstrip().endswith(b"set HF_HOME to a folder of yours that has room")


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that is in use cannot be removed everywhere")
def test_a_folder_that_is_gone_is_one_message(tmp_path):
    """With what to do, for each command."""
    for arguments in (("run", "job.toml"), ("doctor",)):
        (tmp_path / "gone").mkdir()
        done = start(tmp_path / "gone", *arguments, before="rmdir ../gone;")
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(b"Error: the current folder is gone (No such file or directory)")


MOUNTS = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0
READ_ONLY = """
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && cd "$1" || exit 9
export HOME=$1
"$2" run job.toml -q --set "publish=[{ name = 'parquet', path = '$3' }]" || exit 8
"$2" verify "$3" && "$2" search "$3" text || exit 7
"$2" run job.toml -q --set "publish=[{ name = 'parquet', path = 'new' }]"
"""


@pytest.mark.skipif(not MOUNTS, reason="a folder that cannot be written needs a mount namespace (root on Linux)")
def test_a_folder_and_a_home_that_cannot_be_written_are_no_hindrance(place, tmp_path):
    """The dataset goes where the job says, and it is searched there; a place that cannot be written is one message."""
    environment = {"PATH": os.environ["PATH"], **STAND_INS}
    command = ["unshare", "--mount", "bash", "-c", READ_ONLY, "bash", place, VECMILL, tmp_path / "out"]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 1, done
    assert done.stderr.count("\n") == 1
    assert f"the output folder {place}/new cannot be written (Read-only file system)" in done.stderr


NAME = os.fsdecode(b"caf\xe9")
"""As a system with another encoding wrote it: no UTF-8."""
needs_bytes = pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take UTF-8 alone")


@needs_bytes
@pytest.mark.parametrize("where", ["job", "source", "folder", "set", "since"])
def test_a_name_that_is_not_utf_8_is_one_message_before_the_work(place, where):
    """It would have to be written down, and sent to workers; it is shown as bytes."""
    folder = place / (NAME if where == "folder" else where)
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / f"{NAME if where == 'source' else 'corpus'}.jsonl").write_bytes(
        (place / "corpus.jsonl").read_bytes()
    )
    job = f"{NAME if where == 'job' else 'job'}.toml"
    (folder / job).write_text(JOB.replace("corpus.jsonl", "docs"))
    (folder / NAME).symlink_to(place / "out" / "job")
    more = {"set": ("--set", f"publish=[{{name = 'parquet', path = '{NAME}'}}]"), "since": ("--since", NAME)}
    done = start(folder, "run", job, "-q", *more.get(where, ()))
    assert done.returncode == 2, done
    assert done.stderr.count(b"\n") == 1
    assert rb"caf\xe9" in done.stderr
    assert b"is not UTF-8: rename it" in done.stderr
    assert not (folder / "out").exists()


@needs_bytes
def test_a_dataset_in_a_folder_whose_name_is_not_utf_8_is_one_message(place, tmp_path):
    """Arrow opens no file by such a name; from within the folder it is read as any other."""
    (tmp_path / NAME).symlink_to(place / "out" / "job")
    for arguments in (("verify", NAME), ("verify", NAME, "--json"), ("publish", NAME, "--to", "parquet")):
        done = start(tmp_path, *arguments)
        assert done.returncode == 2, (arguments, done)
        assert done.stderr.endswith(rb"caf\xe9 is not UTF-8: rename it, or the folder that is named so" + b"\n")
        assert done.stderr.count(b"\n") == 1
    assert start(tmp_path / NAME, "verify", ".").returncode == 0
