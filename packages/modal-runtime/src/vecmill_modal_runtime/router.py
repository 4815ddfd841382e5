"""Router: the process beside the worker that embeds on the GPU."""

from __future__ import annotations

import collections
import os
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING

from vecmill.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = "text-embeddings-router"
DTYPES = {"f16": "float16", "f32": "float32"}
LAST_LINES = 30
RESTARTS = 5
"""Times that a router may die before its worker gives up."""
PASSED_ON = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")
PASSED_ON_PREFIXES = ("CUDA_", "NVIDIA_")
BULK = (
    *("--max-client-batch-size", "512"),
    *("--max-concurrent-requests", "65536"),
    *("--max-batch-tokens", "65536"),
    *("--max-batch-requests", "2048"),
    *("--payload-limit", "16000000"),
    *("--auto-truncate", "false"),
)
"""For many texts at once: the defaults are made for many users with one text each."""
LOOK_SECONDS = 0.05
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

    Attributes:
        url: Where it is; the same after a restart.
        restarts: How often it died and was started again.
        last_words: How it died the last time, and the end of its log then; empty while it has not.
    """

    def __init__(self, model: Path, *, cuda: bool, precision: str = "f16", startup_s: float = 600) -> None:
        if precision not in DTYPES:
            raise ConfigError(f"embedder.precision = {precision!r}, but the router computes in {' or '.join(DTYPES)}")
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        dtype = ("--dtype", DTYPES[precision])
        place = ("--hostname", "127.0.0.1", "--port", str(self._port), "--prometheus-port", str(_free_port()))
        cores = str(max(1, (os.cpu_count() or 2) - 1))
        self._command = [COMMAND, "--model-id", str(model), *place, *dtype, "--tokenization-workers", cores]
        self._command += BULK
        self._cuda = cuda
        self._startup_s = startup_s
        self._lines: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        self._on_processor = False
        self._ready = threading.Event()
        self._closing = threading.Event()
        self.restarts = 0
        self.last_words = ""

    def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            EngineError: It ended, was not ready in time, or runs on the processor though it should not.
        """
        self._spawn()
        self._wait_until_open()
        threading.Thread(target=self._keep, name="router-keeper", daemon=True).start()

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
                self._command,
                env=_clean_environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="backslashreplace",
                start_new_session=True,  # a preemption's interrupt is for the worker, which drains the router
            )
        except FileNotFoundError:
            raise EngineError(f"there is no {COMMAND} in this container: its image must have it") from None
        self._reader = threading.Thread(target=self._read, args=(self._process,), name="router-log", daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101 - it was started with a pipe
        with process.stdout as log:
            for line in log:
                self._lines.append(line.rstrip())
                self._on_processor |= "model on Cpu" in line
                if line.endswith("Ready\n"):
                    self._ready.set()

    def _wait_until_open(self) -> None:
        until = time.monotonic() + self._startup_s
        while not _open(self._port):
            if self._process.poll() is not None:
                raise EngineError(self._ending())
            if time.monotonic() > until:
                self.stop()
                raise EngineError(f"the router was not ready after {self._startup_s:g} s:\n    {self.last_lines}")
            time.sleep(LOOK_SECONDS)
        self._ready.wait(LOG_SECONDS)
        if self._cuda and self._on_processor:
            self.stop()
            raise EngineError(
                "the router found no GPU it can use and fell back to the processor, at a GPU's price: take an image "
                f"that fits the GPU. Its log:\n    {self.last_lines}"
            )

    def _keep(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            if self._process.poll() is None or self._closing.is_set():
                continue
            self.last_words = self._ending()
            if self.restarts == RESTARTS:
                return
            self.restarts += 1
            self._spawn()

    def _ending(self) -> str:
        self._reader.join(1)  # for the last lines
        return f"the router ended with code {self._process.returncode}:\n    {self.last_lines}"


def _clean_environment() -> dict[str, str]:
    """Return few variables, for each of the router's flags reads one of its name: PORT, DTYPE, API_KEY."""
    kept = (name for name in os.environ if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES))
    return {name: os.environ[name] for name in kept}


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
