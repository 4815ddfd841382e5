"""``vecmill run`` with runtime.name = "modal": from a laptop with nothing but the packages, on Modal and back."""

import signal
import subprocess
import sys
import time
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
max_cost_usd = "none"
gpu = ["A10G", "L4"]

[[publish]]
name = "parquet"
path = "out/topics"
"""


@pytest.fixture
def begin(plane, tmp_path):
    """Return a function that starts ``vecmill`` in a folder with a corpus and a job, and nothing of the repository."""
    stage = Stage(plane, tmp_path, documents=8, vectors="random")
    (tmp_path / "job.toml").write_text(JOB.format(model=MODEL))

    def start(*args, **variables):
        command = [Path(sys.executable).with_name("vecmill"), *args]
        environment = {**stage.environment(), **variables}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=pipe, stderr=pipe, text=True)

    return start


@pytest.fixture
def local(begin):
    """Return a function that runs ``vecmill`` there, and returns what it printed: the result, and all else."""

    def run(*args, code=0, **variables):
        command = begin(*args, **variables)
        output, errors = command.communicate(timeout=300)
        assert command.returncode == code, f"exit {command.returncode}\n{output}\n{errors}"
        return output, errors

    return run


def test_a_laptops_job_runs_on_modal(begin, local, plane, tmp_path, vecmill):
    """Its corpus is uploaded, its dataset stays on the Volume, and the command that brings it home does so.

    Interrupted, it leaves nothing running; the same command then ends what was begun.
    """
    first = begin("run", "job.toml")
    until = time.monotonic() + 200
    while not plane.at_work("embed") and time.monotonic() < until:
        time.sleep(0.02)
    plane.halt("embed")  # the client has two seconds to hear of the interrupt, and the one shard may be done by then
    first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=200)
    assert first.returncode == 130
    assert "interrupted: finished shards stay on the other machines" in errors
    while plane.containers.alive and time.monotonic() < until:
        time.sleep(0.1)
    assert not plane.containers.alive

    output, errors = local("run", "job.toml")
    assert plane.containers.most["ShardWorker.*"] >= 1
    volume = plane.volumes.folder("vecmill")
    (folder,) = (path for path in (volume / "runs").iterdir() if path.is_dir())
    assert f"modal volume get vecmill runs/{folder.name} out/" in output
    assert "8 in = 8 embedded + 0 quarantined" in output
    assert "container hours (A10G or L4)" in output
    assert "1 shard, 0 done before" in errors
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
        (("--set", "source.path=none.parquet"), "there is no file or folder 'none.parquet'"),
        (("--set", "chunker.name=nonesuch"), "there is no chunker 'nonesuch'"),
        (("--set", "embedder.precission=f32"), "embedder.precission: unknown key"),
        (("--set", "embedder.model=."), "is a folder of this machine: name a model of the Hub"),
        (("--set", "runtime.max_cost_usd=lots"), "runtime.max_cost_usd: a number of dollars above 0 is needed"),
        (("--since", "out/topics"), "leave --overwrite and --since out"),
        (("--overwrite",), "leave --overwrite and --since out"),
    ],
)
def test_what_cannot_work_there_is_refused_here(local, plane, args, message):
    """One message before an app is started, and before anything is sent."""
    assert message in local("run", "job.toml", *args, code=2)[1]
    assert not plane.containers.started
    assert plane.volumes.named("vecmill") is None
    assert not plane.images.definitions


def test_a_plugin_that_no_package_brings_is_refused(local, plane):
    """It can be imported here, and nowhere else."""
    job = ("run", "job.toml", "--set", 'embedder={name="hash"}')
    _, errors = local(*job, code=2, VECMILL_PLUGINS="testing=vecmill.testing.plugin")
    message = " ".join(errors.split())
    assert "the embedder 'hash' is of plugin 'testing', which VECMILL_PLUGINS names and no package brings" in message
    assert plane.volumes.named("vecmill") is None


def test_without_a_ceiling_nothing_is_sent(local, plane, tmp_path):
    """The job is estimated here, from its own corpus."""
    job = tmp_path / "job.toml"
    job.write_text(job.read_text().replace('max_cost_usd = "none"', ""))
    errors = " ".join(local("run", "job.toml", code=2)[1].split())
    assert "vecmill: runtime.max_cost_usd is not set, and this run costs about 0.0" in errors
    assert plane.volumes.named("vecmill") is None


def test_without_a_gpu_the_package_that_embeds_must_be_here(local, plane):
    """What containers get is what is installed here, so it is missed here: nothing is uploaded, no image is built."""
    arguments = ("run", "job.toml", "--set", "runtime.gpu=")
    _, errors = local(*arguments, code=2, VECMILL_DISABLE_PLUGINS="openvino")
    assert "there is no embedder 'openvino'" in errors
    assert 'pip install "vecmill[local]"' in errors
    assert plane.volumes.named("vecmill") is None


def test_what_a_container_finds_out_is_one_message_here(local):
    """As if it had been found out here: no traceback of the container's, in its log or after it."""
    _, errors = local("run", "job.toml", "--set", "embedder.model=package:nonesuch/model", code=2)
    assert "vecmill: " in errors
    assert "nonesuch" in errors
    assert "Traceback" not in errors


def test_without_a_token_the_message_says_how_to_get_one(local):
    """Nobody needs Modal's own traceback for that."""
    _, errors = local("run", "job.toml", code=2, MODAL_TOKEN_ID="", MODAL_TOKEN_SECRET="")
    assert "`modal setup` makes a token" in errors
    assert "Traceback" not in errors
