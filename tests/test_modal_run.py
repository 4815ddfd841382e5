"""``vecmill run`` with runtime.name = "modal": from a laptop with nothing but the packages, on Modal and back."""

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stage import MODEL, Stage

MOUNTS = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MOUNTS, reason="a container's Volumes need mount namespaces (root on Linux)"),
]
JOB = """
[source]
name = "parquet"
path = "articles.parquet"

[embedder]
name = "openvino"
model = "{model}"
precision = "f32"

[runtime]
name = "modal"
max_containers = 2

[[publish]]
name = "parquet"
path = "out/topics"
"""


@pytest.fixture
def laptop(plane, tmp_path):
    """Return a function that runs ``vecmill`` in a folder with a corpus and a job, and nothing of the repository."""
    stage = Stage(plane, tmp_path, documents=8)
    (tmp_path / "job.toml").write_text(JOB.format(model=MODEL))

    def run(*args, code=0, **variables):
        command = [Path(sys.executable).with_name("vecmill"), *args]
        environment = {**stage.environment(), **variables}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


def test_a_laptops_job_runs_on_modal(laptop, plane, tmp_path, vecmill):
    """Its corpus is uploaded, its dataset stays on the Volume, and the command that brings it home does so."""
    done = laptop("run", "job.toml")
    assert plane.containers.most["ShardWorker.*"] >= 1
    volume = plane.volumes.named("vecmill").path
    (folder,) = (path for path in (volume / "runs").iterdir() if path.is_dir())
    assert f"modal volume get vecmill runs/{folder.name} out/" in done.stdout
    assert "8 in = 8 embedded + 0 quarantined" in done.stdout
    assert "container hours (A10G)" in done.stdout
    assert "1 shard, 0 done before" in done.stderr
    (tmp_path / "out").mkdir()
    get = ["volume", "get", "vecmill", f"runs/{folder.name}", "out/"]
    environment = {**plane.environment, "PATH": "/usr/bin"}
    subprocess.run([*plane.command, *get], cwd=tmp_path, env=environment, check=True, capture_output=True)
    vecmill("verify", tmp_path / "out" / folder.name)
    assert pq.read_table(tmp_path / "out" / folder.name / "data").num_rows > 8


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--set", "runtime.gpu=A10H"), "there is no GPU 'A10H'"),
        (("--set", "source.path=none.parquet"), "There is no file or folder 'none.parquet'"),
        (("--set", "embedder.model=."), "is a folder of this machine: name a model of the Hub"),
        (("--since", "out/topics"), "leave --overwrite and --since out"),
    ],
)
def test_what_cannot_work_there_is_refused_here(laptop, plane, args, message):
    """One message before an app is started."""
    assert message in laptop("run", "job.toml", *args, code=2).stderr
    assert not plane.containers.started


def test_without_a_token_the_message_says_how_to_get_one(laptop):
    """Nobody needs Modal's own traceback for that."""
    done = laptop("run", "job.toml", code=2, MODAL_TOKEN_ID="", MODAL_TOKEN_SECRET="")
    assert "`modal setup` makes a token" in done.stderr
    assert "Traceback" not in done.stderr
