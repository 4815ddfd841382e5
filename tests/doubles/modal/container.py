"""Container: Modal's own container program in namespaces of its own, with its files, variables and Volumes."""

from __future__ import annotations

import asyncio
import collections
import os
import shlex
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from doubles.modal.processes import children, family, open_files, send

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping

LAST_LINES = 30
OWN = ("/mnt", "/tmp")  # noqa: S108 - each container has its own
"""Folders that are empty in a new container, and gone with it."""
ISOLATED = (
    *("setpriv", "--pdeathsig", "KILL"),  # without its plane a container would never end
    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
INIT = Path(__file__).with_name("init.py")
IMAGE = (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[3])
"""What stands for the image: this Python, and this repository for the router's double."""


def available() -> bool:
    """Whether this machine lets us make containers."""
    return subprocess.run([*ISOLATED, "true"], check=False, capture_output=True).returncode == 0


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
    def site(self) -> Path:
        """Where what its image has of the user's own is installed."""
        return self.folder / "site"

    @property
    def commands(self) -> Path:
        """The folder of what its image and its machine bring; it comes first on PATH."""
        return self.folder / "commands"

    @property
    def socket(self) -> Path:
        """Where it talks to the control plane; by it the plane knows who is calling."""
        return self.folder / "s"

    @property
    def processes(self) -> list[int]:
        """All processes in it, its first one first, by the numbers they have outside."""
        return family(self.process.pid)[1:] if self.process is not None else []

    async def start(self, arguments: api_pb2.ContainerArguments, variables: dict[str, str]) -> None:
        """Start the process."""
        given, home = self.folder / "arguments", self.root / "root"
        given.write_bytes(arguments.SerializeToString())
        home.mkdir(parents=True, exist_ok=True)
        environment = {
            "PATH": os.pathsep.join([str(self.commands), os.environ["PATH"]]),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            **variables,
            "HOME": str(home),
            # no .pth file is read from a folder named here, so what is installed as editable must be in the image
            "PYTHONPATH": f"{home}:{self.site}:{sysconfig.get_path('purelib')}",
            "MODAL_CONTAINER_ARGUMENTS_PATH": str(given),
            "MODAL_SERVER_URL": f"unix://{self.socket}",
            "MODAL_TASK_ID": self.id,
            "MODAL_IS_REMOTE": "1",
        }
        self.process = await asyncio.create_subprocess_exec(
            *(*ISOLATED, "sh", "-c", self._script()),
            cwd=home,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=1 << 20,
        )

    async def follow(self, write: Callable[[str], None]) -> int:
        """Pass its output on until it ends, and return its exit code."""
        assert self.process is not None
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            text = line.decode(errors="replace")
            self.last_lines.append(text.rstrip())
            write(text)
        return await self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal: SIGINT is what a preemption sends; SIGKILL is a machine that fails, and ends all in it."""
        if self.process is not None and self.process.returncode is None:
            send(number, children(self.process.pid))

    def is_up(self) -> None:
        """Note that it is up: it asked for work."""
        self.idle_since = self.idle_since or time.monotonic()

    def died(self, code: int) -> api_pb2.GenericResult:
        """Say how it ended, with its last lines."""
        last = "\n".join(self.last_lines)
        status = api_pb2.GenericResult.GENERIC_STATUS_FAILURE
        return api_pb2.GenericResult(status=status, exception=f"the container ended with code {code}:\n{last}")

    def open_files(self, folder: Path) -> list[str]:
        """Return its open files under one of its Volumes; the folder is the Volume's view."""
        paths = [path for path, shown in self.mounts.items() if shown == folder]
        names = (name for process in self.processes for name in open_files(process))
        tops = (*paths, str(folder))
        return [name for name in names if any(name == top or name.startswith(f"{top}/") for top in tops)]

    def _script(self) -> str:
        program = (sys.executable, "-S", INIT, sys.executable, "-S", "-m", "modal._container_entrypoint")
        own = [f"mount -t tmpfs none {folder}" for folder in OWN]
        saved = {path: self.folder / "saved" / str(number) for number, path in enumerate(IMAGE) if _under(path, OWN)}
        lines = [
            *_binds({saved_at: path for path, saved_at in saved.items()}),
            *own,
            *_binds(saved),
            *_binds(self.mounts),
        ]
        return "\n".join(["set -e", *lines, f"exec {shlex.join(map(str, program))}"])


def _binds(mounts: Mapping[str, Path] | Mapping[Path, Path]) -> list[str]:
    """Return commands that show folders at other paths."""
    return [
        command
        for path, shown in mounts.items()
        for command in (f"mkdir -p {shlex.quote(str(path))}", shlex.join(("mount", "--bind", str(shown), str(path))))
    ]


def _under(path: Path, folders: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
