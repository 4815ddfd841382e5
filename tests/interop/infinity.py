"""Infinity: another make of embedding server, with OpenAI's route."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Self

from doubles.tei import MODEL
from vecmill.models import find_folder

START_S = 180


class Infinity:
    """A server on a free loopback port, with the demo's model on the processor.

    Args:
        command: The executable.
    """

    def __init__(self, command: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._command = [str(command), "v2", "--model-id", str(find_folder(MODEL)), "--served-model-name", "minilm"]
        self._command += ["--engine", "torch", "--device", "cpu", "--dtype", "float32", "--no-bettertransformer"]
        self._command += ["--no-model-warmup", "--url-prefix", "/v1", "--host", "127.0.0.1", "--port", str(port)]
        self._log = tempfile.NamedTemporaryFile("ab")  # noqa: SIM115 - closed with the server

    def __enter__(self) -> Self:
        environment = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0"}
        environment |= {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._process = subprocess.Popen(self._command, env=environment, stdout=self._log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._ready():
                return self
            time.sleep(0.2)
        self.__exit__()
        raise RuntimeError(f"Infinity did not start (status {self._process.returncode}):\n{self._log_text}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as page:  # noqa: S310 - our own address
                return bool(page.status == 200)
        except OSError:
            return False

    @property
    def _log_text(self) -> str:
        return Path(self._log.name).read_text(encoding="utf-8", errors="replace")
