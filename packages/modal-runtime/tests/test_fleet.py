"""Fleet: an app's workers, and what is said where there are none."""

from types import SimpleNamespace

import modal
import pytest

from vecmill.errors import ConfigError
from vecmill_modal_runtime import fleet
from vecmill_modal_runtime.options import ModalOptions


def test_an_app_without_workers_is_told_how_to_have_them(monkeypatch):
    """In its container: on a laptop ``vecmill run`` makes an app."""
    monkeypatch.setattr(fleet, "_enlisted", [])
    with pytest.raises(ConfigError, match=r"this app has no workers: write `.*fleet.enlist\(app, options\)`"):
        fleet.worker(ModalOptions())


@pytest.fixture
def asked(monkeypatch):
    """Return a function that says what is asked of Modal for a run, when the app was deployed with other options."""

    def ask(deployed, wanted):
        changes = {}
        decorated = SimpleNamespace(with_options=lambda **given: changes.update(given) or "changed")
        monkeypatch.setattr(fleet, "_enlisted", [(decorated, ModalOptions(**deployed))])
        found = fleet.worker(ModalOptions(**wanted))
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
        monkeypatch.setattr(fleet, name, lambda *_: None)
    monkeypatch.setattr(fleet, "_enlisted", [])
    app = modal.App("articles")
    asked = {}
    monkeypatch.setattr(app, "cls", lambda **options: asked.update(options) or (lambda cls: cls))
    fleet.enlist(app, ModalOptions(gpu=gpu))
    assert asked["gpu"] == given


@pytest.mark.parametrize("attempts", [1, 3, 11])
def test_modal_tries_a_shard_as_often_as_we_do(attempts):
    """So that a shard that always takes too long is paid for so many times, and no more."""
    assert fleet.retries(ModalOptions(attempts=attempts)).max_retries == attempts - 1
