"""Container: one process of Modal's own container program, with its files, variables and Volumes."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import shlex
import signal
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from modal_proto import api_pb2

LAST_LINES = 30
MASKED = "/mnt"
"""Mount points below this are made in a file system of the container's own, so nothing stays on the machine."""


@dataclass
class Container:
    """A container, from its folder to its end.

    Attributes:
        mounts: The folder that each mount path shows.
        leaving: Whether it is to take no more inputs.
        idle_since: When it last had work; 0 while it starts.
        failure: What it said when it could not start.
    """

    id: str
    function: str
    app: str
    folder: Path
    mounts: dict[str, Path] = field(default_factory=dict)
    leaving: bool = False
    idle_since: float = 0.0
    failure: api_pb2.GenericResult | None = None
    last_lines: collections.deque[str] = field(default_factory=lambda: collections.deque(maxlen=LAST_LINES))
    process: asyncio.subprocess.Process | None = None

    @property
    def root(self) -> Path:
        """The folder that stands for the container's file system."""
        return self.folder / "root"

    @property
    def socket(self) -> Path:
        """Where it talks to the control plane; by it the plane knows who is calling."""
        return self.folder / "s"

    async def start(self, arguments: api_pb2.ContainerArguments, variables: dict[str, str]) -> None:
        """Start the process."""
        given = self.folder / "arguments"
        given.write_bytes(arguments.SerializeToString())
        home = self.root / "root"
        home.mkdir(parents=True, exist_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/root"),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            **variables,
            # no .pth file is read from a folder named here, so what is installed as editable must be shipped
            "PYTHONPATH": f"{home}:{sysconfig.get_path('purelib')}",
            "MODAL_CONTAINER_ARGUMENTS_PATH": str(given),
            "MODAL_SERVER_URL": f"unix://{self.socket}",
            "MODAL_TASK_ID": self.id,
            "MODAL_IS_REMOTE": "1",
        }
        self.process = await asyncio.create_subprocess_exec(
            "unshare",
            "--mount",
            "sh",
            "-c",
            self._script(),
            cwd=home,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=1 << 20,
        )

    async def follow(self, write: Callable[[str], Awaitable[None]]) -> int:
        """Pass its output on until it ends, and return its exit code."""
        assert self.process is not None
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            text = line.decode(errors="replace")
            self.last_lines.append(text.rstrip())
            await write(text)
        return await self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal: SIGINT is what a preemption sends, SIGKILL is what a machine that fails does."""
        if self.process is not None and self.process.returncode is None:
            os.killpg(self.process.pid, number) if number == signal.SIGKILL else self.process.send_signal(number)

    def open_files(self, folder: Path) -> list[str]:
        """Return its open files under one of its Volumes; the folder is the Volume's view."""
        assert self.process is not None
        places = [path for path, shown in self.mounts.items() if shown == folder]
        names = (name for process in _family(self.process.pid) for name in _links(process))
        tops = (*places, str(folder))
        return [name for name in names if any(name == top or name.startswith(f"{top}/") for top in tops)]

    def _script(self) -> str:
        lines = ["set -e"]
        if any(path.startswith(f"{MASKED}/") for path in self.mounts):
            lines.append(f"mount -t tmpfs none {MASKED}")
        for path, shown in self.mounts.items():
            lines.append(f"mkdir -p {shlex.quote(path)}")
            lines.append(f"mount --bind {shlex.quote(str(shown))} {shlex.quote(path)}")
        lines.append(f"exec {shlex.quote(sys.executable)} -S -m modal._container_entrypoint")
        return "\n".join(lines)


def _family(process: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [process]
    for number in found:
        try:
            with open(f"/proc/{number}/task/{number}/children") as file:  # noqa: PTH123 - a file of the kernel
                found += map(int, file.read().split())
        except OSError:  # it ended meanwhile
            continue
    return found


def _links(process: int) -> list[str]:
    """Return where a process's descriptors and its working folder point."""
    home, found = Path(f"/proc/{process}"), []
    try:
        links = [home / "cwd", *(home / "fd").iterdir()]
    except OSError:  # it ended meanwhile
        return found
    for link in links:
        with contextlib.suppress(OSError):  # it was closed meanwhile
            found.append(str(link.readlink()))
    return found
