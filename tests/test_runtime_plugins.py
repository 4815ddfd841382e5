"""A runtime and a launcher as others write them: those of docs/plugins.md, in whole jobs."""

import ast
import os
import re
import sys
import threading
import time
import types
from pathlib import Path

import pytest

import vecmill
from repository import ROOT
from vecmill.errors import ConfigError, EngineError, RunError
from vecmill.plugins import load
from vecmill.records import RunSubmitted, ShardDone, ShardProgress, ShardRetried, ShardStarted
from vecmill.store.state import find_run
from vecmill.testing import HashEmbedder, install

LONGEST = 60
PUBLIC = re.compile(r"vecmill(\.(errors|protocols|records|runtimes|concurrency))?")
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "plugins.md").read_text(), flags=re.DOTALL)


def code_of(name):
    """Return the block of the page that defines a class."""
    (code,) = (block for block in BLOCKS if f"class {name}(" in block)
    return code


def register(name, code):
    """Take the page's code in as a plugin, once in a process, and return its module."""
    if name not in load().loaded:
        module = types.ModuleType(name)
        sys.modules[name] = module
        exec(code, vars(module))  # noqa: S102 - our own page
        load().add(module, name, f"{name} 1.0")
    return sys.modules[name]


class Flaky(HashEmbedder):
    """Fails at the first text that it is given, as often as it is told to; notes what it may use of the machine."""

    name = "flaky"
    failures: list[Exception] = []  # noqa: RUF012 - of the class, for a worker makes the instance
    threads: set[int] = set()  # noqa: RUF012 - (the same)
    victim = ""
    delay = 0.0
    concurrency = 1

    def open(self):
        """Note the threads."""
        self.threads.add(self.resources.count_threads())

    def embed(self, texts):
        """Fail, or hash the texts."""
        time.sleep(self.delay)
        Flaky.victim = Flaky.victim or texts[0]
        if self.failures and Flaky.victim in texts:
            raise self.failures.pop(0)
        return super().embed(texts)


class FlakyPlugin:
    """Brings ``flaky``."""

    @staticmethod
    @vecmill.hookimpl
    def vecmill_register_embedders(register):
        """Register it."""
        register(Flaky)


@pytest.fixture(autouse=True, scope="module")
def _plugins():
    install()
    register("vecmill_threads", code_of("ThreadsRuntime"))
    register("vecmill_ssh", code_of("SshLauncher"))
    if "flaky" not in load().loaded:
        load().add(FlakyPlugin, "flaky", "flaky 1.0")


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Return a function that makes a job of many small shards; worker processes know the stand-ins, too."""
    monkeypatch.setenv("VECMILL_PLUGINS", "vecmill-testing=vecmill.testing.plugin")
    monkeypatch.setattr(Flaky, "failures", [])
    monkeypatch.setattr(Flaky, "threads", set())
    monkeypatch.setattr(Flaky, "victim", "")

    def make(folder, runtime="threads", embedder="hash", **options):
        return vecmill.Job(
            source={"name": "pydoc", "limit": 12},
            embedder={"name": embedder},
            runtime={"name": runtime, **options},
            publish=[{"name": "parquet", "path": str(tmp_path / folder)}],
            shards={"target_mb": 0.006},
        )

    return make


def shards(dataset):
    """Return the content of every shard."""
    return {path.name: path.read_bytes() for path in (dataset.path / "data").iterdir()}


def test_the_runtime_in_the_docs_is_short_and_uses_public_names_alone():
    """Sixty lines at most; what it imports of vecmill is what other packages may import."""
    for name in ("ThreadsRuntime", "SshLauncher"):
        code = code_of(name)
        assert len(code.splitlines()) <= LONGEST
        imports = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import | ast.ImportFrom)]
        modules = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
        modules |= {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
        ours = {module for module in modules if module.startswith("vecmill")}
        assert ours
        assert all(PUBLIC.fullmatch(module) for module in ours)


def test_threads_make_the_files_that_worker_processes_make(job):
    """Byte for byte, with every event of a run."""
    events = []
    threads = vecmill.run(job("threads"), events.append)
    assert len(shards(threads)) > 3
    assert shards(threads) == shards(vecmill.run(job("local", runtime="local")))
    assert vecmill.verify(threads.path).ok
    kinds = [type(event) for event in events]
    assert kinds.count(ShardStarted) == kinds.count(ShardDone) == len(shards(threads))
    assert ShardProgress in kinds


def test_a_worker_has_its_part_of_the_machine(job):
    """Its embedder is told how many threads it may use."""
    vecmill.run(job("parts", embedder="flaky", workers=2))
    assert Flaky.threads == {max(1, len(os.sched_getaffinity(0)) // 2)}


def test_a_failed_attempt_is_tried_again(job):
    """The result is the same."""
    Flaky.failures += [EngineError("out of order"), KeyError("a bug")]
    events = []
    dataset = vecmill.run(job("flaky", embedder="flaky", workers=1), events.append)
    retried = [event.error for event in events if isinstance(event, ShardRetried)]
    assert retried[0] == "out of order"
    assert retried[1].startswith("the embedder 'flaky' failed at embed()")
    assert shards(dataset) == shards(vecmill.run(job("again", embedder="flaky", workers=2)))


@pytest.mark.parametrize(
    ("error", "attempts", "message"),
    [(EngineError, 3, "out of order"), (ConfigError, 1, "no such option")],
)
def test_an_error_that_is_final_is_not_tried_again(job, error, attempts, message):
    """The run names the shard and what failed; it goes on from the other shards."""
    Flaky.failures += [error(message)] * attempts
    events = []
    with pytest.raises(RunError, match=rf"1 of \d+ shards failed(.|\n)*{message}"):
        vecmill.run(job("fails", embedder="flaky", workers=1), events.append)
    (failed,) = {event.shard for event in events if isinstance(event, ShardRetried)} or {0}
    started = [event for event in events if isinstance(event, ShardStarted) and event.shard == failed]
    assert len(started) == attempts
    assert vecmill.verify(vecmill.run(job("fails", embedder="flaky")).path).ok


def test_a_run_that_ends_early_stops_its_workers(job, monkeypatch, tmp_path):
    """No thread works on, and no file is left half written; the same job then ends as if nothing had happened."""
    monkeypatch.setattr(Flaky, "delay", 0.05)
    before = threading.active_count()

    def interrupt(event):
        if isinstance(event, ShardDone):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vecmill.run(job("early", embedder="flaky"), interrupt)
    assert threading.active_count() == before
    assert not [path for path in (tmp_path / "early").rglob("*") if "temporary" in path.name or path.suffix == ".tmp"]
    monkeypatch.setattr(Flaky, "delay", 0.0)
    done = vecmill.run(job("early", embedder="flaky"))
    assert shards(done) == shards(vecmill.run(job("whole", embedder="flaky")))


def test_the_launcher_in_the_docs_takes_a_job_away_and_brings_its_dataset_back(job, monkeypatch, tmp_path):
    """By an ``ssh`` that stays on this machine: the job is run by another process, with the local runtime."""
    command = tmp_path / "bin" / "ssh"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPATH="{Path(sys.executable).parent}:$PATH"\nshift\nexec sh -c "$*"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(command.parent), prepend=os.pathsep)
    events = []
    dataset = vecmill.run(job("launched", runtime="ssh", host="far"), events.append)
    assert events == [RunSubmitted("far")]
    assert shards(dataset) == shards(vecmill.run(job("here")))
    with pytest.raises(ConfigError, match="leave them out"):
        vecmill.run(job("launched", runtime="ssh", host="far"), overwrite=True)


def test_a_run_that_a_launcher_took_away_is_known_as_ones_own(job, monkeypatch, tmp_path):
    """The other machine has noted it for itself; here it is noted when the dataset is back."""
    dataset = vecmill.run(job("far"))
    monkeypatch.setenv("VECMILL_STATE", str(tmp_path / "state"))
    assert find_run(dataset.manifest.run_id) is None
    monkeypatch.setattr(sys.modules["vecmill_ssh"].SshLauncher, "run", lambda *_: dataset)
    assert vecmill.run(job("any", runtime="ssh", host="far")) is dataset
    embedder = find_run(dataset.manifest.run_id)
    assert embedder is not None
    assert embedder.name == "hash"


def test_a_job_is_the_same_in_json(job):
    """As a launcher sends it."""
    work = job("any", runtime="ssh", host="far")
    assert vecmill.Job(**work.to_keys()) == work


def test_a_launcher_whose_options_are_wrong_is_refused_like_a_runtime(job):
    """By the key of the job file."""
    with pytest.raises(ConfigError, match=r"runtime\.port: unknown key"):
        vecmill.run(job("wrong", runtime="ssh", host="far", port=22))
    with pytest.raises(ConfigError, match=r"runtime\.host: this key is required"):
        job("wrong", runtime="ssh").check()


def test_where_a_launcher_takes_jobs_there_must_be_a_runtime(job, monkeypatch):
    """Of its name, or another one in the job that it sends."""
    monkeypatch.setattr(sys.modules["vecmill_ssh"].SshLauncher, "is_needed", lambda _: False)
    with pytest.raises(ConfigError, match=r"runtime\.name = 'ssh' is a launcher"):
        vecmill.run(job("nowhere", runtime="ssh", host="far"))
