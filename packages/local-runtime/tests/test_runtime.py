"""LocalRuntime: whole jobs over real worker processes."""

import os
import signal
import subprocess
import sys
import time

import pytest

import vecmill
from vecmill.concurrency import usable_processors
from vecmill.errors import RunError
from vecmill.records import RunStarted, ShardDone, ShardRetried, ShardStarted, ShardTask, WorkerLogged
from vecmill_local_runtime import runtime, workers


def shards(dataset):
    """Return the content of every shard."""
    return {path.name: path.read_bytes() for path in (dataset.path / "data").iterdir()}


def test_two_workers_make_the_files_that_one_makes(job):
    """The result does not depend on how many processes work on it."""
    two, one = vecmill.run(job()), vecmill.run(job("one", workers=1))
    assert len(shards(two)) > 3
    assert shards(two) == shards(one)
    assert vecmill.verify(two.path).ok


@pytest.mark.fault(
    "crash",
    "a worker process dies",
    promise="It is replaced and its shard done again, with the same result; the report includes its last output.",
)
def test_a_worker_that_is_killed_is_replaced_and_its_shard_done_again(job):
    """One death costs one attempt at one shard, and changes nothing in the result."""
    events = []
    killed = vecmill.run(job(do="die"), events.append)
    (retried,) = [event for event in events if isinstance(event, ShardRetried)]
    assert "killed by signal 9" in retried.error
    assert "my last words" in retried.error
    before, after = [event for event in events if isinstance(event, ShardStarted) and event.shard == retried.shard]
    assert (before.attempt, after.attempt, before.worker == after.worker) == (1, 2, False)
    assert before.worker is not None
    assert WorkerLogged(before.worker, retried.shard, "my last words") in events
    assert shards(killed) == shards(vecmill.run(job("quiet")))


@pytest.mark.fault(
    "crash",
    "a shard kills its worker each time",
    promise="After its attempts the run fails and names it; the other shards stay and are not repeated.",
)
def test_a_shard_that_always_kills_its_worker_fails_the_run_and_keeps_the_others(job):
    """After all attempts the run says which shard is missing and why; later it goes on from there."""
    with pytest.raises(RunError, match=r"1 of \d+ shards failed(.|\n)*killed by signal 9(.|\n)*my last words"):
        vecmill.run(job(do="die", times=99))
    events = []
    vecmill.run(job(), events.append)
    started = next(event for event in events if isinstance(event, RunStarted))
    assert started.done == started.shards - 1
    assert sum(isinstance(event, ShardDone) for event in events) == 1


@pytest.mark.fault(
    "crash",
    "a worker fails with an error",
    promise="Tried again if that can help; a damaged source is not.",
)
@pytest.mark.parametrize(
    ("do", "attempts", "message"),
    [("raise", 3, "out of order"), ("refuse", 1, "the file is damaged"), ("bug", 3, "KeyError: 'a bug'")],
)
def test_an_error_is_tried_again_only_if_that_can_help(job, tmp_path, do, attempts, message):
    """An engine's failure is tried again; a damaged source is not."""
    with pytest.raises(RunError, match=message):
        vecmill.run(job(do=do, times=99))
    assert len(list((tmp_path / "tried").iterdir())) == attempts


@pytest.mark.parametrize("do", ["die", "raise"])
def test_no_event_and_no_error_names_a_secret(job, monkeypatch, do):
    """Neither a worker's error nor its last words, for observers and for Python's users."""
    monkeypatch.setenv("A_TOKEN", "a secret of the environment")
    events = []
    with pytest.raises(RunError, match=r"my last words \*\*\*|out of order \*\*\*") as caught:
        vecmill.run(job(do=do, times=99), events.append)
    assert "a secret of the environment" not in str(caught.value) + repr(events)
    lines = [event.text for event in events if isinstance(event, WorkerLogged)]
    assert lines == ["my last words ***"] * 3 if do == "die" else "as it fails ***" in lines


def test_what_a_library_prints_does_not_disturb_the_messages(job):
    """Standard output of a worker is for receipts alone; prints go to standard error."""
    assert vecmill.verify(vecmill.run(job(do="print")).path).ok


@pytest.mark.fault(
    "crash",
    "the driver is killed while a worker is stuck",
    promise="The worker ends too.",
)
def test_no_worker_outlives_a_killed_driver(tables, tmp_path):
    """When the driver is killed without a chance to clean up, its workers end by themselves."""
    path = tmp_path / "job.py"
    path.write_text(
        "import vecmill\n"
        f"job = vecmill.Job(**{tables(do='hang', times=99)!r})\n"
        "vecmill.run(job, lambda event: print(type(event).__name__, flush=True))\n"
    )
    driver = subprocess.Popen([sys.executable, path], stdout=subprocess.PIPE, text=True)
    try:
        while driver.stdout.readline().strip() != "ShardDone":
            assert driver.poll() is None
        children = workers_of(driver.pid)
        assert children
    finally:
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        driver.stdout.close()
    for _ in range(600):
        if not any(alive(pid) for pid in children):
            return
        time.sleep(0.1)
    pytest.fail("a worker outlived its driver")


def workers_of(pid):
    """Return the children of a process."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def alive(pid):
    """Whether a process still runs; one that waits to be reaped does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.strip().startswith("Z")


PROMPT = "gr\xf6\xdfer \u4e2d\u6587 \U0001f680 \x85\u2028: "
LOCALES = {
    "latin": {"PYTHONIOENCODING": "iso-8859-1", "PYTHONUTF8": "0"},
    "gb18030": {"PYTHONIOENCODING": "gb18030", "PYTHONUTF8": "0"},
    "ascii": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "utf-16": {"PYTHONIOENCODING": "utf-16", "PYTHONUTF8": "0"},
}


@pytest.mark.fault(
    "crash",
    "the locale of a worker process is not UTF-8",
    promise="Tasks arrive unchanged: the dataset is the same, byte for byte.",
)
@pytest.mark.parametrize("name", sorted(LOCALES))
def test_tasks_arrive_in_any_locale(job, monkeypatch, name):
    """A prompt in many scripts is embedded as it is, and nothing waits for a thread that could not read it."""
    expected = shards(vecmill.run(job("here", prompt=PROMPT)))
    for variable, value in LOCALES[name].items():
        monkeypatch.setenv(variable, value)
    assert shards(vecmill.run(job(name, prompt=PROMPT))) == expected


def test_a_task_that_says_something_else_when_it_arrives_is_refused(job, monkeypatch):
    """Whatever changed it: the worker compares it with the digest that came along."""
    real = ShardTask.model_dump_json

    def garble(self, **options):
        return real(self, **options).replace("gr\xf6\xdfer", "gr\xc3\xb6\xc3\x9fer")

    monkeypatch.setattr(ShardTask, "model_dump_json", garble)
    with pytest.raises(RunError, match=r"the task of shard \d+ arrived with other options"):
        vecmill.run(job(prompt=PROMPT))


def test_a_task_that_cannot_be_read_ends_its_worker_with_the_error(job, monkeypatch):
    """When the thread that reads it dies, the process ends."""
    monkeypatch.setattr(
        workers, "send_task", lambda stream, task: workers.send_message(stream, "task", '{"index": "\xe4"}')
    )
    with pytest.raises(RunError, match=r"ended with code 1(.|\n)*the thread 'tasks' failed"):
        vecmill.run(job())


def test_an_answer_that_cannot_be_read_ends_the_run_with_the_error(job, monkeypatch):
    """The driver does not wait for a worker that no thread reads."""

    def read_messages(stream):
        raise ValueError(f"no JSON: {stream.readline()[:9]!r}")
        yield

    monkeypatch.setattr(workers, "read_messages", read_messages)
    with pytest.raises(RunError, match=r"what the worker process \d+ sends cannot be read \(ValueError: no JSON"):
        vecmill.run(job())


@pytest.mark.parametrize(
    ("cores", "workers", "tasks", "expected"),
    [
        (2, None, 9, [[0, 1]]),
        (2, 2, 9, [[0], [1]]),
        (2, 5, 9, [[0, 1]] * 5),
        (5, 2, 9, [[0, 1], [2, 3, 4]]),
        (16, None, 9, [list(range(8)), list(range(8, 16))]),
        (16, None, 1, [list(range(16))]),
        (16, 4, 2, [list(range(8)), list(range(8, 16))]),
        (1, None, 0, [[0]]),
    ],
)
def test_each_processor_is_in_one_share(monkeypatch, cores, workers, tasks, expected):
    """Every processor is in one share, neighbours together; with more workers than processors all share all."""
    monkeypatch.setattr(runtime, "usable_processors", lambda: list(range(cores)))
    assert runtime.share_processors(workers, tasks) == expected


def test_only_processors_this_process_may_use_count():
    """A container's limit counts."""
    assert set(usable_processors()) == os.sched_getaffinity(0)
