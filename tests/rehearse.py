"""Rehearse: deploy the Wikipedia app and run it, with the real ``modal`` command, on this machine.

``hatch run rehearse``. Nothing leaves the machine: the control plane and, unless a real router is on PATH,
the router are doubles.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from doubles.modal import Plane
from stage import Stage

CHANGES = ("runtime.max_containers=2",)


def main() -> None:
    """Upload, deploy, run, run again, check, query, verify; then print what was deployed and run."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, Plane() as plane:
        stage = Stage(plane, Path(folder))
        print(f"router: {stage.router}")
        stage.upload()
        steps = (
            ("deploy", "-m", "apps.wikipedia"),
            ("run", "-m", "apps.wikipedia"),
            ("run", "-m", "apps.wikipedia::refresh"),
            ("run", "-m", "apps.wikipedia::check"),
            ("run", "-m", "apps.wikipedia::query", "--sql", "select count(*) as chunks from dataset"),
        )
        for step in steps:
            print(f"\n$ modal {' '.join(step)}", flush=True)
            print(stage.modal(*step, changes=CHANGES).strip())
        print(f"\n$ vecmill verify {stage.dataset.name}", flush=True)
        subprocess.run([Path(sys.executable).with_name("vecmill"), "verify", stage.dataset], check=True)
        report(plane)
    print(f"rehearsed in {time.perf_counter() - began:.0f} s")


def report(plane: Plane) -> None:
    """Print what the control plane was asked for, and what ran."""
    print("\nDeployed:")
    for name, found in sorted(plane.deployed("vecmill-wikipedia").items()):
        print(f"  {name}: gpu {found.gpus or 'none'}, at most {found.max_containers} containers,")
        print(f"    timeout {found.timeout} s, retries {found.retries}, volumes {found.volumes}, cron {found.cron!r},")
        print(f"    image {found.layers[0]} and {len(found.layers) - 1} layers more")
    print("Ran:")
    for name, most in sorted(plane.containers.most.items()):
        started = sum(1 for _, function in plane.containers.started if function == name)
        print(f"  {name}: {started} containers, {most} at once")


if __name__ == "__main__":
    main()
