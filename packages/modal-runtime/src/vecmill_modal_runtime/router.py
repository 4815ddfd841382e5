"""Router: the process next to the worker that embeds on the GPU, and which of the image's routers that is."""

from __future__ import annotations

import collections
import functools
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import NamedTuple

from vecmill.concurrency import start_thread
from vecmill.errors import ConfigError, EngineError

COMMAND = "text-embeddings-router"
TOOL = "nvidia-smi"
COMPAT = Path("/usr/local/cuda/compat")
"""Where an image has the libraries that let a driver older than its CUDA run it."""
IMAGE_CUDA = (12, 9)
"""The CUDA that the router's images are built with."""
TURING = 75
"""Compute capability of a T4."""
FLASH_ATTENTION = "USE_FLASH_ATTENTION"
ROUTERS = {75: (75, 75), 80: (80, 89), 90: (90, 90), 100: (100, 100), 120: (120, 120)}
"""The routers of the image for all GPUs, by the number in their names: the compute capabilities that each is for."""
TOOL_SECONDS = 60
_DRIVER_CUDA = re.compile(r"CUDA(?: \w+)? Version:\s*(\d+)\.(\d+)")


class Device(NamedTuple):
    """A GPU, as its driver describes it.

    Attributes:
        capability: Its compute capability times ten.
        driver_cuda: The newest CUDA that the driver knows by itself; none where it does not say.
    """

    capability: int
    driver_cuda: tuple[int, int] | None

    def router(self) -> str:
        """Return the name of the router to start: the image's only one, or the one that is built for this GPU.

        Raises:
            EngineError: The image has none for it.
        """
        if shutil.which(COMMAND):
            return COMMAND
        for number, (first, last) in ROUTERS.items():
            if first <= self.capability <= last:
                return f"{COMMAND}-{number}"
        raise EngineError(
            f"no router is built for a GPU of compute capability {self}: name another kind in runtime.gpu"
        )

    def environment(self, variables: dict[str, str]) -> dict[str, str]:
        """Return an image's variables as the router needs them on this GPU.

        On a T4 the router's flash attention is not precise, so the image for it switches it off; the image for all GPUs
        does not know on which it will run.
        """
        changes = {}
        if self.driver_cuda is not None and self.driver_cuda < IMAGE_CUDA and COMPAT.is_dir():
            changes["LD_LIBRARY_PATH"] = ":".join(filter(None, (str(COMPAT), variables.get("LD_LIBRARY_PATH"))))
        if self.capability == TURING:
            changes[FLASH_ATTENTION] = "False"
        return {**variables, **changes}

    def __str__(self) -> str:
        """Say its compute capability as its maker writes it."""
        return f"{self.capability // 10}.{self.capability % 10}"


def find_device() -> Device:
    """Ask the driver which GPU this container has; of several the router takes the first.

    Raises:
        EngineError: There is no driver, or it knows no GPU.
    """
    answer = _ask("--query-gpu=compute_cap", "--format=csv,noheader")
    found = re.match(r"(\d+)\.(\d)\b", answer.strip())
    if found is None:
        raise EngineError(f"{TOOL} names no GPU in this container, though one was asked for. It says: {answer.strip()}")
    driver = _DRIVER_CUDA.search(_ask())
    return Device(int(found[1]) * 10 + int(found[2]), (int(driver[1]), int(driver[2])) if driver is not None else None)


def _ask(*options: str) -> str:
    """Run the driver's tool, and return what it prints."""
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            (TOOL, *options), capture_output=True, encoding="utf-8", errors="replace", timeout=TOOL_SECONDS, check=False
        )
    except FileNotFoundError:
        raise EngineError(f"there is no {TOOL} in this container, though a GPU was asked for: it has none") from None
    except subprocess.TimeoutExpired:
        raise EngineError(
            f"{TOOL} did not answer in {TOOL_SECONDS} s: the GPU of this container is not usable"
        ) from None
    return done.stdout if done.returncode == 0 else f"{done.stdout}{done.stderr}"


DTYPES = {"f16": "float16", "f32": "float32"}
LAST_LINES = 30
RESTARTS = 5
"""Times that a router may die before its worker gives up."""
PASSED_ON = (
    *("PATH", "HOME", "LANG"),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", FLASH_ATTENTION),
    *("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"),
    *("MKL_ENABLE_INSTRUCTIONS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"),
)
"""What a process needs, and what the router's images and the driver set for it. By name: NVIDIA_API_KEY is a key."""
PLAIN = {"NO_COLOR": "1"}
"""No colours in the log: its last lines stand in messages."""
BATCH_TOKENS = 65_536
"""The most tokens that the router computes at once, where model and memory allow it."""
BULK = (
    *("--max-client-batch-size", "512"),
    *("--max-concurrent-requests", "65536"),
    *("--max-batch-requests", "2048"),
    *("--payload-limit", "16000000"),
    *("--auto-truncate", "false"),
)
"""For many texts at once: the defaults are made for many users with one text each."""
MOST_TOKENIZERS = 64
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
POLL_SECONDS = 0.05
DRAIN_SECONDS = 30
LOG_SECONDS = 5
"""Longest wait, once its port is open, for the log to say so too: what it says of the processor comes before."""


class Router:
    """A router for one model, started again when it dies.

    Args:
        model: The model's folder.
        cuda: Whether it must run on a GPU; one that falls back to the processor is refused.
        precision: ``f16`` or ``f32``.
        startup_s: Longest time from start to open port.
        cores: The processor cores that are paid for. The router tokenizes with all but one; the machine has more, and
            they are not this container's.
        batch_tokens: The most tokens that it computes at once; at least the model's longest input.

    Attributes:
        url: Where it is; the same after a restart.
        restarts: How often it died and was started again.
        ending: How it died the last time, and the end of its log then; empty while it has not.
    """

    def __init__(
        self,
        model: Path,
        *,
        cuda: bool,
        precision: str = "f16",
        startup_s: float = 600,
        cores: float = 1,
        batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        check_precision(precision)
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        address = ("--hostname", "127.0.0.1", "--port", str(self._port), "--prometheus-port", str(_free_port()))
        tokenizers = min(MOST_TOKENIZERS, max(1, int(cores) - 1))
        self._flags = [
            *("--model-id", str(model)),
            *address,
            *("--dtype", DTYPES[precision]),
            *("--tokenization-workers", str(tokenizers)),
            *("--max-batch-tokens", str(batch_tokens)),
            *BULK,
        ]
        self._command = COMMAND
        self._environment = _clean_environment()
        self._cuda = cuda
        self._startup_s = startup_s
        self._lines: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        self._on_processor = False
        self._ready = threading.Event()
        self._closing = threading.Event()
        self.restarts = 0
        self.ending = ""

    def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            EngineError: The image has none for this GPU, or it ended, was not ready in time, or runs on the processor
                though it should not.
        """
        if self._cuda:
            device = find_device()
            self._command, self._environment = device.router(), device.environment(self._environment)
        self._spawn()
        self._wait_until_open()
        start_thread("router-restart", self._restart)

    def stop(self) -> None:
        """Let it finish what it has begun, then end it."""
        self._closing.set()
        self._process.terminate()
        try:
            self._process.wait(DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1)

    @property
    def last_lines(self) -> str:
        """The end of its log."""
        return "\n    ".join(self._lines)

    def _spawn(self) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                [self._command, *self._flags],
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="backslashreplace",
                start_new_session=True,  # a preemption's interrupt is for the worker, which drains the router
            )
        except FileNotFoundError:
            raise EngineError(f"there is no {self._command} in this container: its image must have it") from None
        self._reader = start_thread("router-log", functools.partial(self._read, self._process))

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101 - it was started with a pipe
        with process.stdout as log:
            for line in log:
                words = _ANSI.sub("", line).rstrip()
                self._lines.append(words)
                self._on_processor |= "model on Cpu" in words
                if words.endswith("Ready"):
                    self._ready.set()

    def _wait_until_open(self) -> None:
        until = time.monotonic() + self._startup_s
        while not _open(self._port):
            if self._process.poll() is not None:
                raise EngineError(self._describe_end())
            if time.monotonic() > until:
                self.stop()
                raise EngineError(f"the router was not ready after {self._startup_s:g} s:\n    {self.last_lines}")
            time.sleep(POLL_SECONDS)
        log_until = time.monotonic() + LOG_SECONDS
        while not self._ready.wait(POLL_SECONDS) and time.monotonic() < log_until:
            if self._process.poll() is not None:  # whatever answered at the port was not the router
                raise EngineError(self._describe_end())
        if self._cuda and self._on_processor:
            self.stop()
            raise EngineError(
                "the router found no GPU it can use and fell back to the processor, at a GPU's price: take an image "
                f"that fits the GPU. Its log:\n    {self.last_lines}"
            )

    def _restart(self) -> None:
        while not self._closing.wait(POLL_SECONDS):
            if self._process.poll() is None or self._closing.is_set():
                continue
            self.ending = self._describe_end()
            if self.restarts == RESTARTS:
                return
            self.restarts += 1
            self._spawn()

    def _describe_end(self) -> str:
        self._reader.join(1)  # for the last lines
        return f"the router ended with code {self._process.returncode}:\n    {self.last_lines}"


def check_precision(precision: str) -> None:
    """Refuse an arithmetic that the router does not have.

    Raises:
        ConfigError: Names those that it has.
    """
    if precision not in DTYPES:
        raise ConfigError(f"embedder.precision = {precision!r}, but the router computes in {' or '.join(DTYPES)}")


def _clean_environment() -> dict[str, str]:
    """Return few variables, for each of the router's flags reads one of its name: PORT, DTYPE, API_KEY."""
    return {**{name: os.environ[name] for name in PASSED_ON if name in os.environ}, **PLAIN}


def _open(port: int) -> bool:
    with socket.socket() as probe:
        # a connection from the port to itself is one, too, while nobody listens
        return probe.connect_ex(("127.0.0.1", port)) == 0 and probe.getsockname() != probe.getpeername()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
