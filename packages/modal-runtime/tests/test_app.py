"""App: a worker class as the options ask for it, a schedule that comes, and answers in place of tracebacks."""

import pickle
from types import SimpleNamespace

import modal
import pytest

from vecmill.errors import ConfigError, RunError, StoreError
from vecmill_modal_runtime import app as app_module
from vecmill_modal_runtime.app import answer, read_cron, report_errors, unwrap_answer
from vecmill_modal_runtime.options import ModalOptions


def test_an_app_without_workers_is_told_how_to_have_them(monkeypatch):
    """In its container: on a laptop ``vecmill run`` makes an app."""
    monkeypatch.setattr(app_module, "_registered", [])
    with pytest.raises(ConfigError, match=r"this app has no workers: write `.*app.register\(app, options\)`"):
        app_module.find_worker(ModalOptions())


@pytest.fixture
def asked(monkeypatch):
    """Return a function that says what is asked of Modal for a run, when the app was deployed with other options."""

    def ask(deployed, wanted):
        changes = {}
        decorated = SimpleNamespace(with_options=lambda **given: changes.update(given) or "changed")
        monkeypatch.setattr(app_module, "_registered", [(decorated, ModalOptions(**deployed))])
        found = app_module.find_worker(ModalOptions(**wanted))
        assert (found == "changed") == bool(changes)
        return changes

    return ask


def test_a_run_asks_for_what_differs_alone(asked):
    """Modal would give the rest containers of their own, and takes no list of GPUs there."""
    two = {"gpu": ["A10G", "L4"]}
    assert asked(two, two) == {}
    assert asked(two, {**two, "max_containers": 3}) == {"max_containers": 3}
    assert asked(two, {"gpu": "L4"}) == {"gpu": "L4"}
    found = asked({}, {"cpu": 2, "memory_gib": 4, "timeout_s": 9, "scaledown_window": 9, "region": "eu", "attempts": 2})
    assert found.pop("retries").max_retries == 1
    assert found == {"cpu": 2, "memory": 4096, "timeout": 9, "scaledown_window": 9, "region": "eu"}


@pytest.mark.parametrize(
    ("deployed", "wanted", "named"),
    [
        ({}, {"gpu": ["A10G", "L4"]}, "gpu"),
        ({"gpu": ["A10G", "L4"]}, {"gpu": ["L4", "A10G"]}, "gpu"),
        ({"region": "eu"}, {}, "region"),
        ({}, {"concurrency": 2}, "concurrency"),
    ],
)
def test_what_modal_would_pass_over_is_refused(asked, deployed, wanted, named):
    """In an app of one's own too: several kinds of GPU in place of another, no region in place of one."""
    with pytest.raises(ConfigError, match=rf"runtime\.{named} = .*: this is part of the app as it was started"):
        asked(deployed, wanted)


@pytest.mark.parametrize(
    ("gpu", "given"),
    [("", None), ("L4", "L4"), (["A10G", "L4"], ["A10G", "L4"]), (["t4", "L4", "H100"], ["T4", "L4", "H100"])],
)
def test_an_app_asks_for_every_kind_of_gpu_in_order(monkeypatch, gpu, given):
    """Where several are a list, one is its name, and none is no GPU, as Modal takes it of a deployment."""
    for name in ("tei_image", "cpu_image", "mounts"):
        monkeypatch.setattr(app_module, name, lambda *_: None)
    monkeypatch.setattr(app_module, "_registered", [])
    app = modal.App("articles")
    asked = {}
    monkeypatch.setattr(app, "cls", lambda **options: asked.update(options) or (lambda cls: cls))
    app_module.register(app, ModalOptions(gpu=gpu))
    assert asked["gpu"] == given


@pytest.mark.parametrize("attempts", [1, 3, 11])
def test_modal_tries_a_shard_as_often_as_we_do(attempts):
    """So that a shard that always takes too long is paid for so many times, and no more."""
    assert app_module.retries(ModalOptions(attempts=attempts)).max_retries == attempts - 1


@pytest.mark.parametrize(
    "line", ["0 4 3 * *", " 0  4 3\t* * ", "*/15 0-6 1,15 * 1-5/2", "30 5 * jan-mar MON,wed", "0 0 29 2 *", "0 0 * * 7"]
)
def test_a_line_that_a_cron_reads_is_a_schedule(line):
    """With single blanks between the fields, which is how Modal is told."""
    assert read_cron(line, "X").proto_message.cron.cron_string == " ".join(line.split())


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "it is 0 words"),
        ("0 4 3 *", "it is 4 words"),
        ("0 0 4 3 * *", "it is 6 words"),
        ("@daily", "it is one word"),
        ("Period(days=1)", "it is one word"),
        ("60 * * * *", "bad minute"),
        ("0 24 * * *", "bad hour"),
        ("0 4 0 * *", "bad day-of-month"),
        ("0 4 * 13 *", "bad month"),
        ("0 4 * * day", "bad day-of-week"),
        ("*/0 * * * *", "bad minute"),
        ("30-10 * * * *", "bad minute"),
        ("0 4 L * *", "the day of the month, 'L', is no number"),
        ("0 4 * * MON#5", "the day of the week, 'MON#5', is no number"),
        ("0 4 ? * *", "the day of the month, '\\?', is no number"),
        ("\u0660 4 * * *", "the minute"),
    ],
)
def test_one_that_no_cron_reads_is_refused_with_its_field(line, why):
    """Shorthands and extensions of some crons too: nobody knows whether Modal has them."""
    with pytest.raises(ConfigError, match=f"VECMILL_CRON = .*: {why}.*Write 5 fields"):
        read_cron(line, "VECMILL_CRON")


def test_a_day_that_never_comes_is_refused():
    """30 February is in range of both of its fields."""
    with pytest.raises(ConfigError, match=r"never comes|bad day-of-month"):
        read_cron("0 4 30 2 *", "VECMILL_CRON")


def refuse():
    """Raise what a driver raises."""
    raise ConfigError("no hf_verysecrettoken here")


def test_an_error_is_a_value_in_the_container_and_an_error_for_the_command(monkeypatch):
    """Of the same kind, without the container's secrets, nothing of its insides; what is made comes as it is."""
    monkeypatch.setenv("HF_TOKEN", "hf_verysecrettoken")
    came = pickle.loads(pickle.dumps(answer(refuse)))  # noqa: S301 - as Modal sends it
    with pytest.raises(ConfigError, match=r"^no \*\*\* here$"):
        unwrap_answer(came)
    assert unwrap_answer(answer(lambda: {"documents": 1})) == {"documents": 1}

    def late():
        raise modal.exception.FunctionTimeoutError("a download took too long")

    with pytest.raises(RunError, match="FunctionTimeoutError: a download took too long"):
        unwrap_answer(answer(late))


def test_an_error_drives_no_terminal(capsys):
    """It may quote a corpus."""
    with pytest.raises(SystemExit), report_errors():
        raise StoreError("\x1b[2Jgone")
    assert "\x1b" not in capsys.readouterr().err


def test_a_fault_is_no_answer():
    """What nobody raised on purpose is shown with its traceback."""
    with pytest.raises(ZeroDivisionError):
        answer(lambda: 1 / 0)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ConfigError("wrong"), 2, "wrong"),
        (StoreError("gone"), 1, "gone"),
        (modal.exception.AuthError("no token"), 2, "Modal does not know this machine (no token): `modal setup` makes"),
        (
            modal.exception.FunctionTimeoutError("late"),
            1,
            "Modal could not run it: FunctionTimeoutError: late. ",
        ),
    ],
)
def test_a_command_ends_with_one_message_and_the_errors_code(capsys, error, code, message):
    """As ``vecmill`` does, also where it is Modal that fails: a run may take longer than Modal's one day."""
    with pytest.raises(SystemExit) as ended, report_errors():
        raise error
    assert ended.value.code == code
    said = capsys.readouterr().err
    assert said.startswith(f"vecmill: {message}")
    assert said.count("\n") == 1
