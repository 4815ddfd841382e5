"""Rehearse: deploy the Wikipedia app and run it, with the real ``modal`` command, on this machine.

``hatch run rehearse``. Nothing leaves the machine: the control plane and, unless a real router is on PATH,
the router are doubles.
"""

from __future__ import annotations

import collections
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cloud import APP, WORKER
from doubles.modal import Plane, available
from doubles.tei import COMMAND
from stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CHANGES = ("runtime.max_containers=2", 'runtime.gpu=["A10G", "L4"]')
VERIFY = str(Path(sys.executable).with_name("vecmill"))
COUNT = "select count(*) as chunks, count(distinct id) as articles, sum(tokens) as tokens from dataset"
ARTICLES = 60
NOISE = ("✓ Initialized", "✓ Created", "✓ Uploaded", "├── ✓", "└── ✓", "✓ App completed")
"""What begins the lines that Modal prints for every command."""
HEADINGS = ("function", "gpu", "containers", "inputs", "timeout", "retries", "schedule", "image")


def main() -> None:
    """Upload, deploy, run, refresh, check, query, verify; and say at each step what ran, and how long."""
    began = time.perf_counter()
    if not available():
        sys.exit("rehearse: containers need namespaces of their own, which take root on Linux")
    with tempfile.TemporaryDirectory() as folder, Plane() as plane:
        stage = Stage(plane, Path(folder), documents=ARTICLES)
        router = "a double of text-embeddings-router" if stage.router_is_double else shutil.which(COMMAND)
        print(f"A rehearsal on this machine: the real modal client and real containers, {ARTICLES} articles.")
        print(f"Control plane: a double, at {plane.url}. Router: {router}.")
        rehearse(stage)
        table("Deployed", HEADINGS, deployed(plane))
        print(f"\n{carried(plane)}")
        step(plane, f"vecmill verify {stage.dataset.name}", lambda: vecmill("verify", stage.dataset))
    print(f"\nRehearsed in {time.perf_counter() - began:.0f} s: the dataset is complete and verified.")


def rehearse(stage: Stage) -> None:
    """Run the commands of the README, and those of the days after."""
    modal = (
        ("run", "-q", "-m", "apps.wikipedia.upload", "--path", str(stage.corpus)),
        ("deploy", "-m", "apps.wikipedia"),
        ("run", "-m", "apps.wikipedia"),
        ("run", "-m", "apps.wikipedia::refresh"),
        ("run", "-m", "apps.wikipedia::status"),
        ("run", "-m", "apps.wikipedia::check"),
        ("run", "-m", "apps.wikipedia::query", "--sql", COUNT),
    )
    for command in modal:
        line = "modal " + " ".join(f'"{word}"' if " " in word else word for word in command)
        step(stage.plane, line, partial(stage.modal, *command, changes=CHANGES))


def step(plane: Plane, command: str, run: Callable[[], str]) -> None:
    """Run a command, and say what it printed, how long it took, and which containers it was in."""
    print(f"\n$ {command}", flush=True)
    before, began = len(plane.containers.started), time.perf_counter()
    output = run()
    seconds = time.perf_counter() - began
    lines = [line for line in output.splitlines() if line.strip() and not line.lstrip().startswith(NOISE)]
    print(textwrap.indent("\n".join(lines), "  "))
    while plane.containers.alive:  # those of a command that is over are about to go
        time.sleep(0.05)
    print("  " + "; ".join([f"({seconds:.1f} s", *ran(plane, before)]) + ")")


def ran(plane: Plane, since: int) -> Iterable[str]:
    """Describe the containers that were started since."""
    lasted = collections.defaultdict(list)
    for container, name in plane.containers.started[since:]:
        lasted[name, plane.machines.got[container]].append(plane.containers.lasted[container])
    for (name, gpu), seconds in lasted.items():
        times = " and ".join(f"{second:.1f} s" for second in seconds)
        where = f"{len(seconds)} container{'s' if len(seconds) > 1 else ''}{f' with {gpu}' if gpu else ''}"
        yield f"{name} in {where} for {times}"


def vecmill(*args: str | Path) -> str:
    """Run the installed command."""
    return subprocess.run([VERIFY, *args], check=True, capture_output=True, text=True).stdout


def carried(plane: Plane) -> str:
    """Say how much went through the drivers."""
    drivers = {container for container, name in plane.containers.started if name == "embed"}
    size, shards = sum(plane.wire.bytes[driver] for driver in drivers), plane.traffic(WORKER).inputs
    return (
        f"The driver said and heard {size:,} bytes for {shards} shards, whatever is in them: {size // shards:,} each."
    )


def deployed(plane: Plane) -> Iterable[tuple[str, ...]]:
    """Describe what the control plane was asked for."""
    for name, found in sorted(plane.deployed(APP).items()):
        yield (
            name,
            " or ".join(found.gpus) or "-",
            f"{found.min_containers}-{found.max_containers or 'any'}",
            f"{found.concurrency or 1}",
            f"{found.timeout} s",
            f"{found.retries}",
            found.cron or "-",
            f"{found.layers[0].removeprefix('FROM ')}, {len(found.layers) - 1} layers on it",
        )


def table(title: str, headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows below headings."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    print(f"\n{title}")
    for line in lines:
        print("  " + "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
