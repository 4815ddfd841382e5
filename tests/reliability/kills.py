"""Kills: a run is killed at so many random moments on each runtime, and must end as if it had been left alone.

python tests/reliability/kills.py [KILLS] [local|modal]      (hatch run kills; 100 on both by default)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from cloud import Cloud  # noqa: E402 - after the path
from doubles.modal import Plane, available  # noqa: E402 - (the same)
from reliability.killing import Killing  # noqa: E402 - (the same)
from reliability.modal_killing import ModalKilling  # noqa: E402 - (the same)
from reliability.small_job import write_job  # noqa: E402 - (the same)


def local(count: int, folder: Path) -> Killing:
    """Kill runs of the local runtime."""
    job = write_job(folder)
    killing = Killing(lambda out: ["run", job, "-q", "--set", f"publish.0.path={out}"], folder)
    killing.rounds(count)
    return killing


def modal(count: int, folder: Path) -> ModalKilling | None:
    """Kill runs on the Modal plane's double, if there can be one here."""
    if not available():
        print("modal: containers need mount namespaces (root on Linux): left out")
        return None
    with Plane(idle_seconds=60) as plane:
        cloud = Cloud(plane, folder, documents=30, target_mb=0.1)
        cloud.upload()
        cloud.modal("deploy", "-m", "apps.wikipedia", changes=("runtime.max_containers=2",))
        killing = ModalKilling(cloud, cloud.embed())
        killing.rounds(count)
    return killing


def main() -> None:
    """Kill, and report."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("kills", type=int, nargs="?", default=100)
    parser.add_argument("runtime", nargs="?", choices=("local", "modal"))
    asked = parser.parse_args()
    for name, rounds in {"local": local, "modal": modal}.items():
        if asked.runtime in {None, name}:
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="kills-") as folder:
                killing = rounds(asked.kills, Path(folder))
            if killing is not None:
                what = ", ".join(f"{count} x {victim}" for victim, count in killing.kills.items())
                seconds = time.monotonic() - began
                print(
                    f"{name}: {what} in {seconds:.0f} s; {killing.resumed} times it went on from what was done. Every"
                )
                print("    dataset is an undisturbed run's, byte for byte, and no shard was done twice.")


if __name__ == "__main__":
    main()
