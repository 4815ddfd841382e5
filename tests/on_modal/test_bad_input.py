"""What is wrong is said in one message, before anything is paid for."""

import subprocess
import sys
import time

import pytest

from cloud import WORKER
from repository import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("runtime.gpu=A10H", "there is no GPU 'A10H'; did you mean 'A10"),
        ("runtime.gpu=A100:2", "write 'A100', and raise max_containers"),
        ("runtime.timeout_s=90000", "runtime.timeout_s"),
        ("runtime.min_containers=1", "runtime.min_containers: modal would keep containers warm"),
        ("chunker.name=nonesuch", "there is no chunker 'nonesuch'"),
        ("chunker.max_token=9", "chunker.max_token: unknown key; did you mean 'max_tokens'"),
    ],
)
def test_a_wrong_setting_is_not_deployed(cloud, change, message):
    """A GPU that there is none of, a time out of range, a component or an option that there is none of."""
    before = len(cloud.plane.apps.apps), cloud.plane.apps.deployed("vecmill-wikipedia").published
    output = cloud.modal("deploy", "-m", "apps.wikipedia", changes=(change,), code=2)
    assert message in " ".join(output.split())
    assert "Traceback" not in output
    assert before == (len(cloud.plane.apps.apps), cloud.plane.apps.deployed("vecmill-wikipedia").published)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("VECMILL_KEEP_RUNS", "two", "VECMILL_KEEP_RUNS must be a whole number, not 'two'"),
        ("VECMILL_VOLUME", "my/volume", "VECMILL_VOLUME must be 1 to 55 letters"),
        ("VECMILL_APP", "", "VECMILL_APP must be 1 to 55 letters"),
        ("VECMILL_APP", "a" * 56, "VECMILL_APP must be 1 to 55 letters"),
        ("VECMILL_CRON", "every day", "VECMILL_CRON = 'every day': it is 2 words. Write 5 fields (minute, hour, "),
        (
            "VECMILL_REFRESH_SET",
            '["runtime.gpu=[\\"L4\\", \\"T4\\"]"]',
            "runtime.gpu = ('L4', 'T4'): this is part of the app",
        ),
        ("VECMILL_SET", "runtime.gpu=L4", "VECMILL_SET must be a JSON list of changes"),
    ],
)
def test_a_variable_that_cannot_be_is_one_message(cloud, variable, value, message):
    """Before Modal is asked for anything."""
    command = [sys.executable, "-c", "import apps.wikipedia"]
    environment = {**cloud.environment(), variable: value}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"vecmill: {message}")
    assert "Traceback" not in done.stderr


def test_without_a_token_nothing_is_deployed(cloud):
    """The client says what is missing and how to get it."""
    environment = {name: value for name, value in cloud.environment().items() if not name.startswith("MODAL_TOKEN")}
    command = [*cloud.plane.command, "deploy", "-m", "apps.wikipedia"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Token missing" in done.stderr
    assert "modal token" in done.stderr


def test_what_cannot_be_done_starts_no_worker(cloud):
    """A component that there is none of, a source that is not on the Volume, a token for the Hub that is missing."""
    traffic = cloud.plane.traffic(WORKER).inputs
    for change, message in (
        ("chunker.name=nonesuch", "there is no chunker 'nonesuch'"),
        ("source.path=/mnt/vecmill/sources/none.parquet", "/mnt/vecmill/sources/none.parquet"),
        ("embedder.model=user/none", "user/none"),
    ):
        output = cloud.end(cloud.begin(change), code=1)
        assert "vecmill: " in output
        assert message in output
        assert "Traceback" not in output
    assert cloud.plane.traffic(WORKER).inputs == traffic


def test_a_question_that_cannot_be_asked_is_one_message(cloud, made):
    """As ``vecmill`` itself says it, with its exit code, though a container found out; no log shows a traceback."""
    output = cloud.modal("run", "-m", "apps.wikipedia::query", "--sql", "selec 1", code=2)
    assert 'vecmill: --sql: Parser Error: syntax error at or near "selec"' in output
    assert "Traceback" not in output


def test_a_volume_that_is_missing_is_made_and_its_source_is_missed(cloud, monkeypatch):
    """The Volume comes with the deployment; that the source is not on it is said before a worker is started."""
    monkeypatch.setenv("VECMILL_VOLUME", "elsewhere")
    before = len(cloud.plane.containers.started)
    output = cloud.modal("run", "-q", "-m", "apps.wikipedia", code=2)
    assert "/mnt/vecmill/sources/articles.parquet" in output
    assert cloud.plane.volumes.named("elsewhere") is not None
    assert [name for _, name in cloud.plane.containers.started[before:]] == ["embed"]


@pytest.mark.fault(
    "modal",
    "the router falls back to the processor on a paid GPU",
    promise="The run fails, with the router's log.",
)
def test_a_router_on_the_processor_is_refused(cloud):
    """A GPU is paid for, so a router that fell back to the processor fails the run, with its log."""
    cloud.retire()
    since = len(cloud.plane.containers.started)
    cloud.route(cuda=False, vectors="random")
    output = cloud.end(cloud.begin("source.limit=3", "runtime.attempts=1", "publish.0.path=out/slow"), code=1)
    cloud.route()
    assert "fell back to the processor" in output
    assert "1 of 1 shards failed" in output
    assert output.count("fell back to the processor") == 1
    assert not [line for line in cloud.lines(WORKER, since) if "Traceback" in line]
    assert "\x1b" not in output


@pytest.mark.fault(
    "modal",
    "a shard takes longer than `timeout_s`",
    promise="It is tried `attempts` times, and then named.",
)
def test_a_shard_that_takes_too_long_is_named(cloud):
    """Modal ends its container, and says nothing of shards."""
    cloud.retire()
    cloud.route(cuda=True, vectors="random", script=["slow"] * 9, slow_s=60)
    changes = ("source.limit=3", "runtime.attempts=1", "runtime.timeout_s=2", "publish.0.path=out/late")
    output = cloud.end(cloud.begin(*changes), code=1)
    cloud.route()
    assert "1 of 1 shards failed" in output
    assert "shard 0: FunctionTimeoutError: Task's current input" in output
    assert "hit its timeout of 2s" in output
    inputs = cloud.plane.ledger.inputs.values()
    assert [i.retry for i in inputs if cloud.plane.functions.get(i.call.function).name == WORKER][-1] == 0


def test_a_run_that_gives_up_leaves_no_shard_for_modal_to_do(cloud):
    """Its engine refuses everything, which two shards show: those behind them are never handed to a container."""
    cloud.retire()
    before = len(cloud.plane.ledger.inputs)
    cloud.route(cuda=True, vectors="random", scale=2.0)
    changes = ("runtime.max_containers=1", "shards.target_mb=0.005", "publish.0.path=out/unfit")
    output = cloud.end(cloud.begin(*changes), code=1)
    shards = [
        item
        for item in list(cloud.plane.ledger.inputs.values())[before:]
        if cloud.plane.functions.get(item.call.function).name == WORKER
    ]
    while not all(item.done for item in shards):
        time.sleep(0.05)
    cloud.route()
    assert "the engine refuses every text" in output
    assert len(shards) > 5
    assert sum(item.begun > 0 for item in shards) < len(shards)
